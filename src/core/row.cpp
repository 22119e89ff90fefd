#include "core/row.h"

#include <charconv>
#include <cmath>
#include <cstdio>

namespace sb {
namespace {

std::string format(const Text& value) { return value; }

std::string format(const Number& value) {
  if (!value) return "";
  char text[32];
  std::snprintf(text, sizeof text, "%.7g", *value);
  return text;
}

std::string format(const Count& value) { return value ? std::to_string(*value) : ""; }

std::string parse(const std::string& text, Text& value) {
  value = text;
  return "";
}

std::string parse(const std::string& text, Number& value) {
  value.reset();
  if (text.empty()) return "";
  double number = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size()) return "not a number";
  if (!std::isfinite(number)) return "not a finite number (an empty field means not measured)";
  value = number;
  return "";
}

std::string parse(const std::string& text, Count& value) {
  value.reset();
  if (text.empty()) return "";
  std::int64_t number = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size()) return "not an integer";
  value = number;
  return "";
}

}  // namespace

const std::vector<Column>& columns() {
  static const std::vector<Column> all = {
      {"schema_version", "identity", "", "version of this table", &Row::schema_version},
      {"run_id", "identity", "", "the run that made the row", &Row::run_id},
      {"workload", "identity", "", "name of the workload", &Row::workload},
      {"op", "identity", "", "operation", &Row::op},
      {"variant", "identity", "", "implementation of the operation", &Row::variant},
      {"isa", "identity", "", "scalar, avx2, avx512, amx, cuda, or native (the library chooses)",
       &Row::isa},
      {"device", "identity", "", "cpu, cuda, simt or ptx", &Row::device},
      {"dtype", "identity", "", "storage type of the operands", &Row::dtype},
      {"params", "identity", "", "sorted k=v;k=v; parameters at their default are left out",
       &Row::params},
      {"threads", "identity", "", "threads the kernel may use", &Row::threads},
      {"cache", "identity", "", "state of the operands before each call", &Row::cache},
      {"fill", "identity", "", "what the inputs hold", &Row::fill},
      {"seed", "identity", "", "seed of the fill", &Row::seed},
      {"status", "status", "", "ok, skipped, incorrect, crashed, timeout, implausible, noisy",
       &Row::status},
      {"reason", "status", "", "why the status is not ok", &Row::reason},
      {"verify", "verification", "", "pass (every element), sampled (some elements), fail, none",
       &Row::verify},
      {"err_max_abs", "verification", "", "largest |got - reference|", &Row::err_max_abs},
      {"err_max_rel", "verification", "",
       "largest |got - reference| over the operation's scale for that element", &Row::err_max_rel},
      {"tolerance", "verification", "", "what err_max_rel may be, from shape and dtype",
       &Row::tolerance},
      {"reference", "verification", "", "what the answer was compared with", &Row::reference},
      {"timer", "method", "", "clock that timed the row", &Row::timer},
      {"samples", "method", "", "timed samples", &Row::samples},
      {"iterations", "method", "", "calls per sample", &Row::iterations},
      {"rounds", "method", "", "interleaved rounds", &Row::rounds},
      {"stop_reason", "method", "", "why sampling stopped", &Row::stop_reason},
      {"warmup_s", "method", "s", "time spent before the first sample", &Row::warmup_s},
      {"time_median_ns", "time", "ns", "median time of one call", &Row::time_median_ns},
      {"time_lo_ns", "time", "ns",
       "lower end of the interval of the median: the sign test, of as many samples as are "
       "independent",
       &Row::time_lo_ns},
      {"time_hi_ns", "time", "ns", "upper end of that interval", &Row::time_hi_ns},
      {"time_min_ns", "time", "ns", "fastest sample", &Row::time_min_ns},
      {"time_p95_ns", "time", "ns", "95th percentile of the samples", &Row::time_p95_ns},
      {"flops", "work", "FLOP", "by the family's counting rule", &Row::flops},
      {"bytes_compulsory", "work", "B", "each input byte read once, each output byte written once",
       &Row::bytes_compulsory},
      {"bytes_algorithm", "work", "B",
       "what the algorithm's own passes move, without write-allocate", &Row::bytes_algorithm},
      {"gflop_per_s", "work", "GFLOP/s", "flops over the median time", &Row::gflop_per_s},
      {"gb_per_s", "work", "GB/s", "bytes_algorithm over the median time", &Row::gb_per_s},
      {"flop_per_byte", "work", "FLOP/B", "flops over bytes_algorithm", &Row::flop_per_byte},
      {"roof_id", "work", "", "the roof that binds", &Row::roof_id},
      {"pct_roof", "work", "%", "share of that roof, 0 to 100", &Row::pct_roof},
      {"bound", "work", "", "memory, L1, L2, L3 or compute", &Row::bound},
      {"workspace_bytes", "memory", "B", "peak of what the kernel allocated, counted",
       &Row::workspace_bytes},
      {"baseline", "ratio", "", "variant@isa that speedup refers to", &Row::baseline},
      {"speedup", "ratio", "", "baseline time over this time: median of per-round ratios",
       &Row::speedup},
      {"speedup_lo", "ratio", "", "lower end of its interval, formed alike", &Row::speedup_lo},
      {"speedup_hi", "ratio", "", "upper end of that interval", &Row::speedup_hi},
      {"git_sha", "provenance", "", "commit of the program; + means local changes", &Row::git_sha},
      {"compiler", "provenance", "",
       "compiler and its version; of an external peer's row, the peer's versions", &Row::compiler},
      {"host", "provenance", "", "identity of the machine", &Row::host},
      {"repro", "provenance", "", "command that reproduces just this row", &Row::repro},
  };
  return all;
}

std::string Column::get(const Row& row) const {
  return std::visit([&](auto pointer) { return format(row.*pointer); }, member);
}

std::string Column::set(Row& row, const std::string& text) const {
  return std::visit([&](auto pointer) { return parse(text, row.*pointer); }, member);
}

std::string identity_of(const Row& row) {
  std::string text;
  for (const Column& column : columns()) {
    if (column.group != "identity" || column.name == "schema_version" || column.name == "run_id") {
      continue;
    }
    text += (text.empty() ? "" : " ") + column.get(row);
  }
  return text;
}

}  // namespace sb
