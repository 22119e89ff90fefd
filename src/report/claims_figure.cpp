// The metrics of claims.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "report/claims_points.h"
#include "report/roofs.h"

namespace sb {
namespace {

using Value = std::optional<Estimate>;
using PointMetric =
    std::function<Value(const ClaimPoint&, const ClaimEvidence&, const ClaimPlace&)>;

Estimate exact(double value) { return {value, value, value}; }

// A monotone falling image of an interval turns its ends round.
Estimate inverse(const Estimate& e) { return {1 / e.value, 1 / e.hi, 1 / e.lo, e.paired}; }

Estimate one_minus(const Estimate& e) { return {1 - e.value, 1 - e.hi, 1 - e.lo, e.paired}; }

// work / time, with the interval of the time
Estimate rate(double work, const SidePoint& side) {
  return {work / side.median_ns(), work / side.hi_ns(), work / side.lo_ns()};
}

double total_bytes(const Row& row) {
  return row.bytes_compulsory.value_or(0) + static_cast<double>(row.workspace_bytes.value_or(0));
}

Value memory_ratio(const ClaimPoint& point) {
  const Row& contender = *point.contender.rows.front();
  const Row& baseline = *point.baseline.rows.front();
  if (!contender.workspace_bytes || !baseline.workspace_bytes) return std::nullopt;
  return exact(total_bytes(baseline) / total_bytes(contender));
}

Number error_figure(const Row& row, const std::string& figure, const ClaimEvidence& evidence) {
  if (figure.empty() || figure == "err_max_rel") return row.err_max_rel;
  if (figure == "err_max_abs") return row.err_max_abs;
  const auto it = evidence.metrics.find(identity_of(row));
  if (it == evidence.metrics.end()) return std::nullopt;
  for (const Metric& metric : it->second) {
    if (metric.name == figure) return metric.value;
  }
  return std::nullopt;
}

// The algorithm's own bytes against the roof that its row names: pct_roof charges compulsory bytes.
Value share_of_bandwidth(const ClaimPoint& point, const ClaimPlace& place) {
  const Row& row = *point.contender.rows.front();
  const Roof* roof = place.peaks != nullptr ? place.peaks->find(row.roof_id) : nullptr;
  if (roof == nullptr || roof->is_flops || !row.bytes_algorithm) return std::nullopt;
  return rate(*row.bytes_algorithm * 1e9 / roof->value, point.contender);
}

Value share_of_peak(const ClaimPoint& point, const ClaimPlace& place) {
  const Row& row = *point.contender.rows.front();
  const Roof* roof = place.peaks != nullptr ? flop_roof_of(row, *place.peaks) : nullptr;
  if (roof == nullptr || !row.flops) return std::nullopt;
  return rate(*row.flops * 1e9 / roof->value, point.contender);
}

double flops_of(const SidePoint& side) {
  double flops = 0;
  for (const Row* row : side.rows) flops += row->flops.value_or(0);
  return flops;
}

Value at_point(const Claim& claim, const ClaimPoint& point, const ClaimEvidence& evidence,
               const ClaimPlace& place) {
  const std::string& metric = claim.metric;
  const bool needs_baseline = metric == "speedup" || metric == "slowdown" || metric == "loss" ||
                              metric == "time_saved" || metric == "memory_ratio" ||
                              metric == "error_ratio" || metric == "flop_ratio";
  if (needs_baseline && point.baseline.rows.empty()) return std::nullopt;
  const auto speedup = [&] { return speedup_of(point.baseline, point.contender, evidence); };
  const auto error = [&](const SidePoint& side) {
    return error_figure(*side.rows.front(), claim.figure, evidence);
  };
  if (metric == "speedup") return speedup();
  if (metric == "slowdown") return inverse(speedup());
  if (metric == "loss") return one_minus(speedup());
  if (metric == "time_saved") return one_minus(inverse(speedup()));
  if (metric == "memory_ratio") return memory_ratio(point);
  if (metric == "flop_ratio") return exact(flops_of(point.contender) / flops_of(point.baseline));
  if (metric == "share_of_peak") return share_of_peak(point, place);
  if (metric == "share_of_bandwidth") return share_of_bandwidth(point, place);
  if (metric == "throughput") return rate(flops_of(point.contender) * 1e-3, point.contender);
  if (metric == "time") {
    const SidePoint& side = point.contender;
    return Estimate{side.median_ns() * 1e-6, side.lo_ns() * 1e-6, side.hi_ns() * 1e-6};
  }
  if (metric == "memory") {
    const Count bytes = point.contender.rows.front()->workspace_bytes;
    return bytes ? Value(exact(static_cast<double>(*bytes) / (1 << 20))) : std::nullopt;
  }
  if (metric == "error") {
    const Number value = error(point.contender);
    return value ? Value(exact(*value)) : std::nullopt;
  }
  if (metric == "error_ratio") {
    const Number ours = error(point.contender);
    const Number theirs = error(point.baseline);
    if (!ours || !theirs || *ours == 0) return std::nullopt;
    return exact(*theirs / *ours);
  }
  return std::nullopt;
}

double axis_value(const ClaimPoint& point, const std::string& axis) {
  const std::string text = param_of(*point.contender.rows.front(), axis);
  return text.empty() ? 0 : std::strtod(text.c_str(), nullptr);
}

// Two-sided 95 % quantile of Student's t.
double t_quantile(std::size_t degrees) {
  static constexpr double kTable[] = {12.706, 4.303, 3.182, 2.776, 2.571,
                                      2.447,  2.365, 2.306, 2.262, 2.228};
  return degrees <= 10 ? kTable[degrees - 1] : 1.96 + 2.4 / static_cast<double>(degrees);
}

// Least squares of log time on log size; the interval is that of the slope.
std::variant<Figure, std::string> slope_of(const Claim& claim,
                                           const std::vector<ClaimPoint>& points) {
  if (points.size() < 3) {
    return fmt::format("a slope needs three sizes of {}, there are {}", claim.axis, points.size());
  }
  const auto n = static_cast<double>(points.size());
  double sx = 0, sy = 0, sxx = 0, sxy = 0, syy = 0;
  for (const ClaimPoint& point : points) {
    const double x = std::log(axis_value(point, claim.axis));
    const double y = std::log(point.contender.median_ns());
    sx += x, sy += y, sxx += x * x, sxy += x * y, syy += y * y;
  }
  const double xx = sxx - sx * sx / n;
  if (!(xx > 0)) return fmt::format("all points have the same {}", claim.axis);
  const double slope = (sxy - sx * sy / n) / xx;
  const double residual = std::max(0.0, syy - sy * sy / n - slope * (sxy - sx * sy / n));
  const double half = t_quantile(points.size() - 2) * std::sqrt(residual / (n - 2) / xx);
  return Figure{{slope, slope - half, slope + half}, nullptr};
}

std::variant<Figure, std::string> spread_of(const std::vector<ClaimPoint>& points) {
  if (points.size() < 2) return std::string("a spread needs at least two points");
  const auto by_time = [](const ClaimPoint& a, const ClaimPoint& b) {
    return a.contender.median_ns() < b.contender.median_ns();
  };
  const auto [least, most] = std::minmax_element(points.begin(), points.end(), by_time);
  const SidePoint& fast = least->contender;
  const SidePoint& slow = most->contender;
  return Figure{{slow.median_ns() / fast.median_ns(), slow.lo_ns() / fast.hi_ns(),
                 slow.hi_ns() / fast.lo_ns()},
                &*most};
}

// The smallest size from which on `value` of the speed-up stays above 1; infinity if it never does.
double crossing(const std::vector<std::pair<double, Estimate>>& by_size, double Estimate::*value) {
  double at = HUGE_VAL;
  for (auto it = by_size.rbegin(); it != by_size.rend() && it->second.*value > 1; ++it) {
    at = it->first;
  }
  return at;
}

std::variant<Figure, std::string> crossover_of(const Claim& claim,
                                               const std::vector<ClaimPoint>& points,
                                               const ClaimEvidence& evidence) {
  std::vector<std::pair<double, Estimate>> by_size;
  for (const ClaimPoint& point : points) {
    if (point.baseline.rows.empty()) return std::string("a crossover needs a baseline of ours");
    by_size.emplace_back(axis_value(point, claim.axis),
                         speedup_of(point.baseline, point.contender, evidence));
  }
  std::sort(by_size.begin(), by_size.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  const double at = crossing(by_size, &Estimate::value);
  if (!std::isfinite(at)) return std::string("the contender is not faster at the largest size");
  return Figure{{at, crossing(by_size, &Estimate::hi), crossing(by_size, &Estimate::lo)}, nullptr};
}

Figure pick(const Claim& claim, std::vector<Figure> figures) {
  const bool higher = find_claim_metric(claim.metric)->higher_is_better;
  std::sort(figures.begin(), figures.end(), [&](const Figure& a, const Figure& b) {
    return higher ? a.estimate.value > b.estimate.value : a.estimate.value < b.estimate.value;
  });
  if (claim.across == "best") return figures.front();
  if (claim.across == "worst") return figures.back();
  return figures[figures.size() / 2];
}

}  // namespace

Estimate speedup_of(const SidePoint& baseline, const SidePoint& contender,
                    const ClaimEvidence& evidence) {
  if (baseline.rows.size() == 1 && contender.rows.size() == 1) {
    const Row& base = *baseline.rows.front();
    const Row& row = *contender.rows.front();
    if (evidence.paired) {
      if (const auto estimate = evidence.paired(base, row)) return *estimate;
    }
    if (row.speedup && row.speedup_lo && row.speedup_hi &&
        row.baseline == base.variant + "@" + base.isa && row.workload == base.workload) {
      return {*row.speedup, *row.speedup_lo, *row.speedup_hi, true};
    }
  }
  return {baseline.median_ns() / contender.median_ns(), baseline.lo_ns() / contender.hi_ns(),
          baseline.hi_ns() / contender.lo_ns(), false};
}

std::variant<Figure, std::string> figure_of(const Claim& claim,
                                            const std::vector<ClaimPoint>& points,
                                            const ClaimEvidence& evidence,
                                            const ClaimPlace& place) {
  if (claim.metric == "slope") return slope_of(claim, points);
  if (claim.metric == "spread") return spread_of(points);
  if (claim.metric == "crossover") return crossover_of(claim, points, evidence);
  std::vector<Figure> figures;
  for (const ClaimPoint& point : points) {
    const Value value = at_point(claim, point, evidence, place);
    if (value && std::isfinite(value->value)) figures.push_back({*value, &point});
  }
  if (figures.empty()) {
    return fmt::format("the rows do not hold what {} needs ({})", claim.metric,
                       find_claim_metric(claim.metric)->doc);
  }
  return pick(claim, std::move(figures));
}

}  // namespace sb
