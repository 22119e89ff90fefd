#include "machine/roof_loop.h"

#include <omp.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <string>

#include "core/buffer.h"
#include "machine/peak_kernels.h"
#include "machine/topology.h"

namespace sb {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t kBlock = 128;           // doubles: what every pass takes at a time
constexpr SamplingEffort kTrial = {3, 0.002};  // chooses among ways to walk through the arrays
constexpr std::array kRuns = {1, 2, 4, 8};     // the ways, see pass_in_runs()

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

bool is_shared(const Level& level) { return level.name == "mem" || level.name == "L3"; }

bool applies(const StreamKernel& kernel, const Level& level) {
  return is_shared(level) || !kernel.kind.ends_with("_nt");  // those leave a private cache
}

std::string on_threads(const std::string& what, int threads) {
  return what + "/t" + std::to_string(threads);
}

// Three arrays of at least a block for each thread, on the NUMA node of the thread.
class LevelMemory {
 public:
  LevelMemory(const Level& level, int threads)
      : share_(array_length(level.bytes, 1) + 2 * kBlock),
        memory_(static_cast<std::size_t>(share_ * threads) * sizeof(double)) {
#pragma omp parallel num_threads(threads)
    std::fill_n(of_thread(omp_get_thread_num()), share_, 1.0);
  }
  double* of_thread(int thread) const { return memory_.as<double>() + thread * share_; }

 private:
  std::int64_t share_;  // doubles of a thread
  Buffer memory_;
};

class StreamLoop final : public RoofLoop {
 public:
  StreamLoop(StreamKernel kernel, const Level& level, int threads,
             std::shared_ptr<const LevelMemory> memory)
      : RoofLoop({.id = on_threads(level.name + "/" + kernel.kind, threads),
                  .level = level.name,
                  .kind = kernel.kind,
                  .threads = threads},
                 8.0 * kernel.arrays *
                     static_cast<double>(array_length(level.bytes, kernel.arrays)) * threads),
        kernel_(std::move(kernel)),
        length_(array_length(level.bytes, kernel_.arrays)),
        memory_(std::move(memory)) {
    if (is_shared(level)) choose_runs();
  }

 private:
  void choose_runs() {
    int best = 1;
    double reached = 0;
    for (const int runs : kRuns) {
      runs_ = runs;
      const double rate = rates_of(*this, kTrial).back();
      if (rate > reached) best = runs;
      reached = std::max(reached, rate);
    }
    runs_ = best;
  }

  void repeat(int thread, std::int64_t repetitions) override {
    double* const first = memory_->of_thread(thread);
    const auto array = [&](int which) {
      return first + std::min(which, kernel_.arrays - 1) * length_;
    };
    for (std::int64_t i = 0; i < repetitions; ++i) {
      pass_in_runs(kernel_, runs_, array(0), array(1), array(2), length_);
    }
  }

  StreamKernel kernel_;
  std::int64_t length_;  // doubles of an array
  std::shared_ptr<const LevelMemory> memory_;
  int runs_ = 1;
};

class FlopLoop final : public RoofLoop {
 public:
  FlopLoop(const FlopKernel& kernel, int threads)
      : RoofLoop({.id = on_threads(kernel.kind + "/" + std::string(name_of(kernel.isa)) + "/" +
                                       std::string(name_of(kernel.dtype)),
                                   threads),
                  .is_flops = true,
                  .kind = kernel.kind,
                  .isa = std::string(name_of(kernel.isa)),
                  .dtype = std::string(name_of(kernel.dtype)),
                  .threads = threads},
                 kernel.flops_per_iteration * threads),
        run_(kernel.run) {}

 private:
  void repeat(int, std::int64_t repetitions) override { run_(repetitions); }

  void (*run_)(std::int64_t);
};

}  // namespace

double RoofLoop::seconds(std::int64_t repetitions) {
  Clock::time_point start;
  Clock::time_point end;
#pragma omp parallel num_threads(roof_.threads)
  {
#pragma omp barrier
#pragma omp master
    start = Clock::now();
#pragma omp barrier
    repeat(omp_get_thread_num(), repetitions);
#pragma omp barrier
#pragma omp master
    end = Clock::now();
  }
  return std::chrono::duration<double>(end - start).count();
}

std::vector<double> rates_of(RoofLoop& loop, const SamplingEffort& effort) {
  std::int64_t repetitions = 1;
  double seconds = loop.seconds(repetitions);
  while (seconds < effort.sample_s && repetitions < (std::int64_t{1} << 40)) {
    repetitions *= seconds > effort.sample_s / 8 ? 2 : 8;
    seconds = loop.seconds(repetitions);
  }
  std::vector<double> rates;
  for (int i = 0; i < effort.samples; ++i) {
    rates.push_back(loop.amount() * static_cast<double>(repetitions) / loop.seconds(repetitions));
  }
  std::sort(rates.begin(), rates.end());
  return rates;
}

void for_each_roof_loop(int threads, const std::function<void(RoofLoop&)>& use) {
  for (const Level& level : levels_for(threads)) {
    const auto memory = std::make_shared<const LevelMemory>(level, threads);
    for (const StreamKernel& kernel : stream_kernels()) {
      if (!applies(kernel, level)) continue;
      StreamLoop loop(kernel, level, threads, memory);
      use(loop);
    }
  }
  for (const FlopKernel& kernel : flop_kernels()) {
    FlopLoop loop(kernel, threads);
    use(loop);
  }
}

std::unique_ptr<RoofLoop> roof_loop(const Roof& roof) {
  if (roof.source != "measured" || roof.device != "cpu") return nullptr;
  for (const FlopKernel& kernel : flop_kernels()) {
    auto loop = std::make_unique<FlopLoop>(kernel, roof.threads);
    if (loop->roof().id == roof.id) return loop;
  }
  for (const Level& level : levels_for(roof.threads)) {
    if (level.name != roof.level) continue;
    for (const StreamKernel& kernel : stream_kernels()) {
      if (kernel.kind != roof.kind || !applies(kernel, level)) continue;
      return std::make_unique<StreamLoop>(kernel, level, roof.threads,
                                          std::make_shared<const LevelMemory>(level, roof.threads));
    }
  }
  return nullptr;
}

}  // namespace sb
