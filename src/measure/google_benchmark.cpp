#include "measure/google_benchmark.h"

#include <benchmark/benchmark.h>

#include <stdexcept>
#include <string>

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

}  // namespace

double time_calls(Kernel& kernel, const std::vector<Operands>& sets, std::size_t& next,
                  std::int64_t iterations) {
  std::exception_ptr thrown;
  const bool own_clock = !kernel.own_timer().empty();
  const auto loop = [&](benchmark::State& state) {
    try {
      std::size_t set = next;
      const std::size_t count = sets.size();
      for (auto _ : state) {
        if (own_clock) {
          state.SetIterationTime(kernel.run_timed(sets, set, iterations) * 1e-9);
          set = (set + static_cast<std::size_t>(iterations)) % count;
          continue;
        }
        kernel.run(sets[set]);
        if (++set == count) set = 0;
      }
      next = set;
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
