#include "report/roofline.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <stdexcept>
#include <tuple>

#include "report/compare.h"
#include "report/roofs.h"

namespace sb {
namespace {

std::string why_not_drawn(const Row& row) {
  if (!row.time_median_ns) return row.reason.empty() ? row.status : row.status + ": " + row.reason;
  if (row.status == status::kImplausible) return "implausible: " + row.reason;
  if (row.flops.value_or(0) <= 0) return "it counts no FLOPs";
  if (row.bytes_compulsory.value_or(0) <= 0) return "it counts no bytes";
  return "";
}

// Time over the least time that the named roof allows.
double over_floor(const Row& row, const Peaks& peaks) {
  const Roof* roof = peaks.find(row.roof_id);
  if (roof == nullptr) return row.pct_roof ? 100 / *row.pct_roof : 0;
  const double work = roof->is_flops ? *row.flops : *row.bytes_compulsory;
  return *row.time_median_ns / (work / roof->value * 1e9);
}

RooflinePoint point_of(const Row& row, const std::vector<Row>& rows, const Peaks& peaks) {
  RooflinePoint point;
  point.row = row;
  const double flops = *row.flops;
  point.intensity = flops / row.bytes_algorithm.value_or(*row.bytes_compulsory);
  point.gflops = flops / *row.time_median_ns;
  point.gflops_lo = flops / row.time_hi_ns.value_or(*row.time_median_ns);
  point.gflops_hi = flops / row.time_lo_ns.value_or(*row.time_median_ns);
  point.over_floor = over_floor(row, peaks);
  point.share = point.over_floor > 0 ? 100 / point.over_floor : 0;
  point.advice = advice_for(row, rows, peaks);
  return point;
}

std::string si(double giga, const std::string& unit) {
  if (giga >= 1e4) return fmt::format("{:.3g} T{}", giga / 1e3, unit);
  return fmt::format("{:.3g} G{}", giga, unit);
}

RoofLine line_of(const Roof& roof) {
  RoofLine line;
  line.is_flops = roof.is_flops;
  line.streaming = roof.kind.ends_with("_nt");
  line.declared = roof.source == "declared";
  line.value = roof.value * 1e-9;
  const std::string what = roof.is_flops ? fmt::format("{} {} {}", roof.isa, roof.dtype, roof.kind)
                                         : fmt::format("{} {}", roof.level, roof.kind);
  line.label = fmt::format("{} {}{}", what, si(line.value, roof.is_flops ? "FLOP/s" : "B/s"),
                           line.declared ? " (declared)" : "");
  return line;
}

// Arithmetic of 16-bit rows happens in f32 or in units of their own.
bool fits_any(const Roof& roof, const std::vector<const Row*>& rows) {
  return roof.is_flops && std::any_of(rows.begin(), rows.end(), [&](const Row* row) {
           return roof.dtype == row->dtype || (roof.dtype == "f32" && row->dtype != "f64");
         });
}

// Of each level the fastest ordinary and the fastest streaming roof; FLOP roofs of the instruction
// sets that the rows use, and the highest there is.
std::vector<RoofLine> roofs_of(const std::vector<const Row*>& rows, const Peaks& peaks) {
  const bool declared = !peaks.roofs.empty() && peaks.roofs.front().source == "declared";
  const int threads = declared ? 1 : threads_of(*rows.front());  // a device is declared as a whole
  const std::string& device = rows.front()->device;
  std::vector<RoofLine> lines;
  for (const char* level : {"L1", "L2", "L3", "mem"}) {
    const Roof* ordinary = bandwidth_roof_of(peaks, device, level, threads, false);
    const Roof* streaming = bandwidth_roof_of(peaks, device, level, threads, true);
    if (ordinary != nullptr) lines.push_back(line_of(*ordinary));
    if (streaming != nullptr) lines.push_back(line_of(*streaming));
  }
  std::set<const Roof*> flops;
  for (const Row* row : rows) {
    if (const Roof* roof = flop_roof_of(*row, peaks)) flops.insert(roof);
  }
  for (const Roof& roof : peaks.roofs) {
    // Rows of another machine than the declared one use no instruction set of it.
    const bool shown = flops.empty() ? declared && fits_any(roof, rows) : flops.count(&roof) != 0;
    if (shown) lines.push_back(line_of(roof));
  }
  return lines;
}

std::string title_of(const Row& row) {
  const auto threads = row.threads.value_or(1);
  return fmt::format("{}, {}, {} {}", row.device, row.cache, threads,
                     threads == 1 ? "thread" : "threads");
}

std::string host_of(const std::vector<Row>& rows) {
  std::string host;
  for (const Row& row : rows) {
    if (host.empty()) host = row.host;
    if (row.host != host && !row.host.empty()) {
      throw std::invalid_argument(
          fmt::format("the rows come from two machines, \"{}\" and \"{}\": a roofline has the "
                      "ceilings of one; give the files of one machine",
                      host, row.host));
    }
  }
  return host;
}

void check_peaks(const std::string& host, const Peaks& peaks, bool declared) {
  if (declared || host.empty() || peaks.identity == host) return;
  throw std::invalid_argument(fmt::format(
      "the rows are of \"{}\", the peaks of \"{}\": run `softmax-bench peaks` on the rows' machine "
      "and give the file with --peaks, or a declared machine (configs/machines/*.yaml)",
      host, peaks.identity));
}

}  // namespace

Roofline build_roofline(const std::vector<Row>& rows, const Peaks& peaks, bool declared) {
  Roofline roofline;
  roofline.machine = host_of(rows);
  check_peaks(roofline.machine, peaks, declared);
  if (roofline.machine.empty()) roofline.machine = peaks.identity;
  roofline.peaks_note =
      declared ? fmt::format("ceilings declared for {}", peaks.identity)
               : fmt::format("ceilings measured on {} ({})", peaks.identity, peaks.date);
  using Key = std::tuple<std::string, std::string, std::int64_t>;
  std::map<Key, std::size_t> panel_of;
  for (const Row& row : rows) {
    const std::string why = why_not_drawn(row);
    if (!why.empty()) {
      roofline.left_out.push_back(case_name(row) + ": " + why);
      continue;
    }
    const Key key{row.device, row.cache, row.threads.value_or(1)};
    const auto [it, fresh] = panel_of.emplace(key, roofline.panels.size());
    if (fresh) roofline.panels.push_back({title_of(row), {}, {}});
    roofline.panels[it->second].points.push_back(roofline.points.size());
    roofline.points.push_back(point_of(row, rows, peaks));
    roofline.points.back().number = static_cast<int>(roofline.points.size());
  }
  if (roofline.points.empty()) {
    throw std::invalid_argument(
        fmt::format("none of {} rows can be drawn{}", rows.size(),
                    roofline.left_out.empty() ? "" : "; the first: " + roofline.left_out.front()));
  }
  bool any_roof = false;
  for (RooflinePanel& panel : roofline.panels) {
    std::vector<const Row*> members;
    for (const std::size_t index : panel.points) members.push_back(&roofline.points[index].row);
    panel.roofs = roofs_of(members, peaks);
    any_roof = any_roof || !panel.roofs.empty();
  }
  if (!any_roof) {
    throw std::invalid_argument(
        fmt::format("the peaks of \"{}\" hold no ceiling for the thread counts of these rows: run "
                    "`softmax-bench peaks` again",
                    peaks.identity));
  }
  return roofline;
}

}  // namespace sb
