// Measures the ceilings: every loop of peak_kernels.h at every level, by one thread and by all.
#include "machine/peaks.h"

#include <cmath>
#include <ctime>
#include <memory>
#include <vector>

#include "machine/affinity.h"
#include "machine/gpu_peaks.h"
#include "machine/roof_loop.h"
#include "machine/topology.h"

namespace sb {
namespace {

constexpr SamplingEffort kQuick = {7, 0.002};
constexpr SamplingEffort kThorough = {25, 0.01};

Roof measured(RoofLoop& loop, const SamplingEffort& effort) {
  Roof roof = loop.roof();
  const std::vector<double> rates = rates_of(loop, effort);
  const auto last = static_cast<double>(rates.size() - 1);
  roof.lo = rates[static_cast<std::size_t>(std::lround(0.1 * last))];
  roof.hi = rates[static_cast<std::size_t>(std::lround(0.9 * last))];
  roof.value = roof.hi;  // a ceiling is what can be reached, not what is usual
  return roof;
}

void measure(int threads, const SamplingEffort& effort, std::vector<Roof>& roofs) {
  pin_team(threads);
  for_each_roof_loop(threads, [&](RoofLoop& loop) { roofs.push_back(measured(loop, effort)); });
}

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

}  // namespace

Peaks measure_peaks(bool quick) {
  Peaks peaks{.identity = machine_identity(), .date = utc_now()};
  for (const CacheLevel& cache : topology().caches) peaks.level_bytes.push_back(cache.bytes);
  const SamplingEffort& effort = quick ? kQuick : kThorough;
  measure(1, effort, peaks.roofs);
  if (topology().cores > 1) measure(topology().cores, effort, peaks.roofs);
  std::string why;
  if (const std::unique_ptr<Gpu> gpu = open_gpu(why)) {
    peaks.gpu = gpu->info().name;
    peaks.gpu_l2_bytes = gpu->info().l2_bytes;
    for (Roof& roof : measure_gpu_roofs(*gpu, gpu_loads(*gpu), quick)) {
      peaks.roofs.push_back(std::move(roof));
    }
  }
  return peaks;
}

}  // namespace sb
