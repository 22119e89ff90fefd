// What would help: every clause follows from a number in the row or from a sibling row.
#include <fmt/format.h>

#include <string_view>

#include "report/roofline.h"
#include "report/roofs.h"

namespace sb {
namespace {

constexpr double kAtTheRoof = 0.85;  // of a roof: what is left is not worth a rewrite
constexpr double kManyBytes = 1.2;   // own bytes over compulsory
constexpr double kSiblingFaster = 1.03;

bool same_point(const Row& a, const Row& b) {
  return a.workload == b.workload && a.op == b.op && a.device == b.device && a.dtype == b.dtype &&
         a.params == b.params && a.threads == b.threads && a.cache == b.cache && a.host == b.host;
}

bool is_exponential(std::string_view op) { return op == "softmax" || op == "log_softmax"; }

// The streaming-store form of the same algorithm, if it is faster here.
std::string streaming_form(const Row& row, const std::vector<Row>& rows) {
  for (const Row& other : rows) {
    if (other.variant != row.variant + "_stream" || other.isa != row.isa) continue;
    if (!same_point(row, other) || !other.time_median_ns) continue;
    const double gain = *row.time_median_ns / *other.time_median_ns;
    if (gain > kSiblingFaster) {
      return fmt::format("streaming stores ({} is {:.2f} times as fast)", other.variant, gain);
    }
  }
  return "";
}

std::string for_compute(double share) {
  if (share >= kAtTheRoof) return "fewer FLOPs or a wider instruction: it is at the FLOP roof";
  return fmt::format("more FMAs in flight: {:.0f} % of the FLOP rate is used", share * 100);
}

std::string for_memory(double own_share, double ratio) {
  if (ratio > kManyBytes) {
    return fmt::format("fewer bytes: it moves {:.2g}x the compulsory ones", ratio);
  }
  if (own_share >= kAtTheRoof) return "smaller operands: it is at the memory roof";
  return fmt::format("more bytes in flight: its traffic runs at {:.0f} % of the roof",
                     own_share * 100);
}

std::string for_cache(const Row& row, double own_share, double ratio) {
  if (own_share >= kAtTheRoof) {
    return ratio > kManyBytes
               ? fmt::format("fewer passes: it moves {:.2g}x the compulsory bytes", ratio)
               : fmt::format("smaller operands: it is at the {} roof", row.bound);
  }
  if (is_exponential(row.op)) {
    return fmt::format("fewer or cheaper exponentials: {} is used at {:.0f} %", row.bound,
                       own_share * 100);
  }
  return fmt::format("less arithmetic: {} is used at {:.0f} %", row.bound, own_share * 100);
}

}  // namespace

std::string advice_for(const Row& row, const std::vector<Row>& rows, const Peaks& peaks) {
  const Roof* roof = peaks.find(row.roof_id);
  if (roof == nullptr || !row.time_median_ns || !row.bytes_compulsory || !row.flops) return "";
  const std::string stream = streaming_form(row, rows);
  if (!stream.empty()) return stream;
  const double seconds = *row.time_median_ns * 1e-9;
  if (roof->is_flops) return for_compute(*row.flops / seconds / roof->value);
  const double own_bytes = row.bytes_algorithm.value_or(*row.bytes_compulsory);
  const double own_share = own_bytes / seconds / roof->value;
  const double ratio = own_bytes / *row.bytes_compulsory;
  return row.bound == "memory" ? for_memory(own_share, ratio) : for_cache(row, own_share, ratio);
}

}  // namespace sb
