#include "measure/roof_probe.h"

#include <algorithm>

#include "measure/roof.h"
#include "measure/statistics.h"

namespace sb {

RoofProbe* RoofProbes::of(const Group& group, const Variant& variant, const Peaks& peaks) {
  const Cost cost = group.op->cost(group.problem);
  const Roof* roof =
      peaks.find(binding_roof(group, variant, cost.bytes_compulsory, cost.flops, peaks).roof_id);
  if (roof == nullptr) return nullptr;
  const auto [place, is_new] = by_id_.try_emplace(roof->id);
  if (is_new) {
    if (std::unique_ptr<RoofLoop> loop = roof_loop(*roof)) {
      place->second = std::make_unique<RoofProbe>(std::move(loop));
    }
  }
  return place->second.get();
}

Peaks raised_by(const RoofLoop& loop, const std::vector<double>& probe_ns, Peaks peaks) {
  if (probe_ns.empty()) return peaks;
  const double reached = loop.amount() / quantile(probe_ns, 0.1) * 1e9;
  for (Roof& roof : peaks.roofs) {
    if (roof.id == loop.roof().id) roof.value = std::max(roof.value, reached);
  }
  return peaks;
}

std::vector<Metric> probe_metrics(double work, const std::vector<double>& kernel_ns,
                                  const RoofLoop& loop, const std::vector<double>& probe_ns) {
  const std::size_t rounds = std::min(kernel_ns.size(), probe_ns.size());
  if (rounds == 0) return {};
  std::vector<double> shares;
  for (std::size_t i = 0; i < rounds; ++i) {
    const double floor_ns = work / loop.amount() * probe_ns[i];
    shares.push_back(100 * floor_ns / kernel_ns[i]);
  }
  const Interval share = series_interval(shares);
  return {{"pct_probe", share.estimate, "%"},
          {"pct_probe_lo", share.lo, "%"},
          {"pct_probe_hi", share.hi, "%"},
          {loop.roof().is_flops ? "probe_gflop_per_s" : "probe_gb_per_s",
           loop.amount() / median(probe_ns), ""}};
}

}  // namespace sb
