#include "measure/google_benchmark.h"

#include <alloca.h>
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "core/fill.h"

namespace sb {
namespace {

// Hands the measured time back and prints nothing.
class Collector final : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.error_occurred) throw std::runtime_error(run.error_message);
      seconds = run.real_accumulated_time;
    }
  }
  double seconds = -1;
};

// No sample pays for what another kernel did to the caches. A single call that lasts for a whole
// sample would take too long to be made twice.
void warm_up(Kernel& kernel, const Rotation& rotation, std::int64_t iterations) {
  if (iterations > 1) {
    kernel.run(rotation.operands());
  } else {
    rotation.touch();
  }
}

// More sets than this are not told to a kernel with a clock of its own: it begins anew with the
// first. (16384 sets of a line each are 1 MiB, more than such a kernel takes in a sample.)
constexpr std::int64_t kMostSetsElsewhere = 16384;

double run_elsewhere(Kernel& kernel, Rotation& rotation, std::int64_t iterations) {
  std::vector<Operands> sets = {rotation.operands()};
  const std::int64_t last = std::min({iterations, rotation.sets(), kMostSetsElsewhere});
  for (std::int64_t i = 1; rotation.rotates() && i < last; ++i) {
    rotation.advance();
    sets.push_back(rotation.operands());
  }
  rotation.advance();
  return kernel.run_timed(sets, 0, iterations);
}

// Bytes by which a sample's calls lie deeper on the stack, another number each time: what a kernel
// keeps there may share the low 12 bits of its addresses with an operand, where a load waits for a
// store that it has nothing to do with. Where the stack begins is chosen once per process and made
// rows in the first level differ by 1.2 % between processes, by 0.2 % where it was held fast.
std::size_t next_depth() {
  constexpr std::size_t kPage = 4096, kAlignment = 16;
  static std::uint64_t samples = 0;
  return random_bits(1, samples++) % (kPage / kAlignment) * kAlignment;
}

}  // namespace

double time_calls(Kernel& kernel, Rotation& rotation, std::int64_t iterations) {
  std::exception_ptr thrown;
  const bool own_clock = !kernel.own_timer().empty();
  const auto loop = [&](benchmark::State& state) {
    auto* skipped = static_cast<volatile char*>(alloca(next_depth() + 1));
    *skipped = 0;
    try {
      if (!rotation.rotates()) warm_up(kernel, rotation, iterations);
      for (auto _ : state) {
        if (own_clock) {
          state.SetIterationTime(run_elsewhere(kernel, rotation, iterations) * 1e-9);
          continue;
        }
        kernel.run(rotation.operands());
        rotation.advance();
      }
    } catch (...) {
      thrown = std::current_exception();
      state.SkipWithError("the kernel threw");
    }
  };
  benchmark::ClearRegisteredBenchmarks();
  auto* sample = benchmark::RegisterBenchmark("sample", loop);
  if (own_clock) {
    sample->Iterations(1)->UseManualTime();
  } else {
    sample->Iterations(iterations)->UseRealTime();
  }
  Collector collector;
  try {
    benchmark::RunSpecifiedBenchmarks(&collector);
  } catch (...) {
    if (!thrown) throw;
  }
  if (thrown) std::rethrow_exception(thrown);
  if (collector.seconds < 0) throw std::runtime_error("Google Benchmark reported no run");
  return collector.seconds * 1e9;
}

}  // namespace sb
