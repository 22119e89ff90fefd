#include "measure/row_figures.h"

#include <cstdio>

#include "measure/roof.h"
#include "measure/statistics.h"

namespace sb {
namespace {

// More than this share of a measured roof is a mistake somewhere, not a fast kernel.
constexpr double kImplausiblePct = 103;
constexpr double kNoiseTarget = 0.05;  // width of the interval over the median

std::string percent(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %%", share * 100);
  return text;
}

void fill_time(Row& row, const Samples& samples) {
  const Interval interval = series_interval(samples.ns_per_call);
  row.timer = samples.timer;
  row.samples = static_cast<std::int64_t>(samples.ns_per_call.size());
  row.rounds = row.samples;
  row.iterations = samples.iterations;
  row.stop_reason = samples.stop_reason;
  row.warmup_s = samples.warmup_ns * 1e-9;
  row.time_median_ns = interval.estimate;
  row.time_lo_ns = interval.lo;
  row.time_hi_ns = interval.hi;
  row.time_min_ns = quantile(samples.ns_per_call, 0);
  row.time_p95_ns = quantile(samples.ns_per_call, 0.95);
  const double width = (interval.hi - interval.lo) / interval.estimate;
  if (width > kNoiseTarget) {
    set_status(row, status::kNoisy,
               "interval is " + percent(width) + " wide, the target is " + percent(kNoiseTarget) +
                   "; raise rounds or min_time");
  } else {
    set_status(row, status::kOk, "");
  }
}

void fill_work(Row& row, const Group& group, const Variant& variant, const Peaks* peaks) {
  const Cost cost = group.op->cost(group.problem);
  const double bytes =
      variant.bytes_algorithm ? variant.bytes_algorithm(group.problem) : cost.bytes_compulsory;
  const double ns = *row.time_median_ns;
  row.flops = cost.flops;
  row.bytes_compulsory = cost.bytes_compulsory;
  row.bytes_algorithm = bytes;
  if (ns <= 0) return;
  row.gflop_per_s = cost.flops / ns;
  row.gb_per_s = bytes / ns;
  if (bytes > 0) row.flop_per_byte = cost.flops / bytes;
  if (peaks == nullptr) return;
  // Data that stays in a cache between two passes never reaches memory again, so only the
  // compulsory traffic is sure to cross the roof that is charged.
  const Bound bound = binding_roof(group, variant, cost.bytes_compulsory, cost.flops, *peaks);
  if (bound.roof_id.empty() || bound.floor_ns <= 0) return;
  row.roof_id = bound.roof_id;
  row.bound = bound.bound;
  row.pct_roof = 100 * bound.floor_ns / ns;
  if (*row.pct_roof > kImplausiblePct) {
    set_status(row, status::kImplausible,
               "faster than its roof " + bound.roof_id +
                   " allows; measure the peaks again or suspect the row");
  }
}

}  // namespace

void set_status(Row& row, std::string_view status, const std::string& reason) {
  row.status = status;
  row.reason = reason;
}

void fill_verification(Row& row, const Verification& result) {
  row.verify = !result.passed ? "fail" : result.sampled ? "sampled" : "pass";
  row.err_max_abs = result.err_max_abs;
  row.err_max_rel = result.err_max_rel;
  row.tolerance = result.tolerance;
  row.reference = "double";
}

void set_failure(Row& row, const std::exception& error) {
  const auto* failure = dynamic_cast<const KernelFailure*>(&error);
  set_status(row, failure != nullptr ? std::string_view(failure->status()) : status::kCrashed,
             error.what());
}

void fill_figures(Row& row, const Group& group, const Variant& variant, const Samples& samples,
                  const Peaks* peaks) {
  if (!samples.failure.empty()) {
    const std::string& word = samples.failure_status;
    return set_status(row, word.empty() ? status::kCrashed : std::string_view(word),
                      samples.failure);
  }
  if (samples.ns_per_call.empty()) {
    return set_status(row, status::kTimeout,
                      "no sample within the time limit (" + samples.stop_reason + ")");
  }
  fill_time(row, samples);
  fill_work(row, group, variant, peaks);
}

int baseline_of(const std::vector<Contender>& contenders, std::size_t of,
                const std::string& wanted) {
  int best = -1;
  bool best_same_isa = false;
  for (std::size_t i = 0; i < contenders.size(); ++i) {
    const Contender& c = contenders[i];
    if (!c.row->time_median_ns || c.row->status == status::kImplausible) continue;
    const std::string name_at_isa = c.variant->name + "@" + std::string(name_of(c.variant->isa));
    const bool any = wanted == "best_other" && i != of;
    if (!any && c.variant->name != wanted && name_at_isa != wanted) continue;
    const bool same_isa = !any && c.variant->isa == contenders[of].variant->isa;
    const bool faster =
        best < 0 ||
        *c.row->time_median_ns < *contenders[static_cast<std::size_t>(best)].row->time_median_ns;
    if (best < 0 || (same_isa && !best_same_isa) || (same_isa == best_same_isa && faster)) {
      best = static_cast<int>(i);
      best_same_isa = same_isa;
    }
  }
  return best;
}

void fill_speedup(Row& row, const Contender& baseline, const std::vector<double>& ns_per_call) {
  if (ns_per_call.empty() || baseline.ns_per_call->empty()) return;
  const Interval ratio = speedup_interval(*baseline.ns_per_call, ns_per_call);
  row.baseline = baseline.variant->name + "@" + std::string(name_of(baseline.variant->isa));
  row.speedup = ratio.estimate;
  row.speedup_lo = ratio.lo;
  row.speedup_hi = ratio.hi;
}

}  // namespace sb
