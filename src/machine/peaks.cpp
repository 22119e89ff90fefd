// Measures the ceilings: every loop of peak_kernels.h at every level, by one thread and by all.
#include "machine/peaks.h"

#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
#include <functional>

#include "core/buffer.h"
#include "machine/affinity.h"
#include "machine/gpu_peaks.h"
#include "machine/peak_kernels.h"
#include "machine/topology.h"

namespace sb {
namespace {

using Clock = std::chrono::steady_clock;

struct Effort {
  int samples;
  double sample_s;
};
constexpr Effort kProbe = {3, 0.002};  // chooses among ways to walk through the arrays
constexpr Effort kQuick = {7, 0.002};
constexpr Effort kThorough = {25, 0.01};

constexpr std::int64_t kBlock = 128;  // doubles: what every pass takes at a time

struct Level {
  std::string name;
  double bytes = 0;  // of each thread's arrays together
};

// Doubles of one array when `arrays` of them share `bytes`.
std::int64_t array_length(double bytes, int arrays) {
  const auto doubles = static_cast<std::int64_t>(bytes) / (8 * arrays);
  return std::max(kBlock, doubles / kBlock * kBlock);
}

// A thread's arrays fill half of a private cache; a shared level is met well above the one inside
// it, and memory at twice the last level, as far as the machine's memory allows.
std::vector<Level> levels_for(int threads) {
  const Topology& machine = topology();
  std::vector<Level> levels;
  double inner = 0;  // bytes of the level inside, of all threads
  for (std::size_t i = 0; i < machine.caches.size() && i < 3; ++i) {
    const CacheLevel& cache = machine.caches[i];
    const double sharers = std::min<double>(threads, cache.shared_by);
    const double mine = static_cast<double>(cache.bytes) / sharers;
    const double bytes = i < 2 ? mine / 2 : std::sqrt(inner / threads * mine);
    levels.push_back({"L" + std::to_string(cache.level), bytes});
    inner = mine * threads;
  }
  const double last = static_cast<double>(machine.last_level_bytes());
  const double most = static_cast<double>(machine.memory_bytes) / 4;
  const double total = std::min(std::max(2 * last, 256e6), most > 0 ? most : 1e9);
  levels.push_back({"mem", total / threads});
  return levels;
}

// Seconds of `work` on every thread of a pinned team, the team's own start left out.
double team_seconds(int threads, const std::function<void(int thread)>& work) {
  Clock::time_point start;
  Clock::time_point end;
#pragma omp parallel num_threads(threads)
  {
#pragma omp barrier
#pragma omp master
    start = Clock::now();
#pragma omp barrier
    work(omp_get_thread_num());
#pragma omp barrier
#pragma omp master
    end = Clock::now();
  }
  return std::chrono::duration<double>(end - start).count();
}

// `amount` (bytes or FLOP) is what one repetition does on all threads together.
void sample(Roof& roof, double amount, const Effort& effort,
            const std::function<double(std::int64_t repetitions)>& seconds_of) {
  std::int64_t repetitions = 1;
  double seconds = seconds_of(repetitions);
  while (seconds < effort.sample_s && repetitions < (std::int64_t{1} << 40)) {
    repetitions *= seconds > effort.sample_s / 8 ? 2 : 8;
    seconds = seconds_of(repetitions);
  }
  std::vector<double> rates;
  for (int i = 0; i < effort.samples; ++i) {
    rates.push_back(amount * static_cast<double>(repetitions) / seconds_of(repetitions));
  }
  std::sort(rates.begin(), rates.end());
  const auto last = static_cast<double>(rates.size() - 1);
  roof.lo = rates[static_cast<std::size_t>(std::lround(0.1 * last))];
  roof.hi = rates[static_cast<std::size_t>(std::lround(0.9 * last))];
  roof.value = roof.hi;  // a ceiling is what can be reached, not what is usual
}

class Measurement {
 public:
  explicit Measurement(const Effort& effort) : effort_(effort) {}

  void run(int threads, std::vector<Roof>& roofs) {
    pin_team(threads);
    for (const Level& level : levels_for(threads)) bandwidth(level, threads, roofs);
    for (const FlopKernel& kernel : flop_kernels()) flops(kernel, threads, roofs);
  }

 private:
  void bandwidth(const Level& level, int threads, std::vector<Roof>& roofs) {
    // Room for three arrays of at least a block each, whatever the level.
    const std::int64_t share = array_length(level.bytes, 1) + 2 * kBlock;
    const Buffer memory(static_cast<std::size_t>(share * threads) * sizeof(double));
    // First touch by the thread that will use it puts the pages on its NUMA node.
    team_seconds(threads, [&](int thread) {
      std::fill_n(memory.as<double>() + thread * share, share, 1.0);
    });
    for (const StreamKernel& kernel : stream_kernels()) {
      const bool streaming = kernel.kind.ends_with("_nt");
      if (streaming && level.name != "mem" && level.name != "L3") continue;  // they leave the cache
      roofs.push_back(bandwidth_roof(kernel, level, threads, memory.as<double>(), share));
    }
  }

  Roof bandwidth_roof(const StreamKernel& kernel, const Level& level, int threads, double* memory,
                      std::int64_t share) {
    Roof roof{.id = level.name + "/" + kernel.kind + "/t" + std::to_string(threads),
              .level = level.name,
              .kind = kernel.kind,
              .threads = threads};
    const std::int64_t n = array_length(level.bytes, kernel.arrays);
    const auto array = [&](int thread, int which) {
      return memory + thread * share + std::min(which, kernel.arrays - 1) * n;
    };
    const double bytes = 8.0 * kernel.arrays * static_cast<double>(n) * threads;
    const auto measure = [&](int runs, const Effort& effort) {
      sample(roof, bytes, effort, [&](std::int64_t repetitions) {
        return team_seconds(threads, [&](int thread) {
          for (std::int64_t i = 0; i < repetitions; ++i) {
            pass_in_runs(kernel, runs, array(thread, 0), array(thread, 1), array(thread, 2), n);
          }
        });
      });
      return roof.value;
    };
    int best = 1;
    if (level.name == "mem" || level.name == "L3") {
      double reached = 0;
      for (const int runs : {1, 2, 4, 8}) {
        const double value = measure(runs, kProbe);
        if (value > reached) best = runs;
        reached = std::max(reached, value);
      }
    }
    measure(best, effort_);
    return roof;
  }

  void flops(const FlopKernel& kernel, int threads, std::vector<Roof>& roofs) {
    const std::string isa(name_of(kernel.isa));
    const std::string dtype(name_of(kernel.dtype));
    Roof roof{.id = kernel.kind + "/" + isa + "/" + dtype + "/t" + std::to_string(threads),
              .is_flops = true,
              .kind = kernel.kind,
              .isa = isa,
              .dtype = dtype,
              .threads = threads};
    sample(roof, kernel.flops_per_iteration * threads, effort_, [&](std::int64_t repetitions) {
      return team_seconds(threads, [&](int) { kernel.run(repetitions); });
    });
    roofs.push_back(std::move(roof));
  }

  const Effort& effort_;
};

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
  Measurement measurement(quick ? kQuick : kThorough);
  measurement.run(1, peaks.roofs);
  if (topology().cores > 1) measurement.run(topology().cores, peaks.roofs);
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
