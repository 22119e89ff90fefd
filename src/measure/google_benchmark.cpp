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

// No sample pays for what another kernel did to the caches. A single call that lasts for a whole
// sample would take too long to be made twice.
void warm_up(Kernel& kernel, const Rotation& rotation, std::int64_t iterations) {
  if (iterations > 1) {
    kernel.run(rotation.operands());
  } else {
    rotation.touch();
  }
}

}  // namespace

double time_calls(Kernel& kernel, Rotation& rotation, std::int64_t iterations) {
  std::exception_ptr thrown;
  const auto loop = [&](benchmark::State& state) {
    try {
      if (!rotation.rotates()) warm_up(kernel, rotation, iterations);
      for (auto _ : state) {
        kernel.run(rotation.operands());
        rotation.advance();
      }
    } catch (...) {
      thrown = std::current_exception();
      state.SkipWithError("the kernel threw");
    }
  };
  benchmark::ClearRegisteredBenchmarks();
  benchmark::RegisterBenchmark("sample", loop)->Iterations(iterations)->UseRealTime();
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
