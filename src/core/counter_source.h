// Who counts what a kernel does while it runs: a processor's performance counters, an emulator.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/isa.h"

namespace sb {

struct CounterValue {
  std::string name;
  double value = 0;
  std::string unit;  // "" for a pure number, "B"
};

// The names that reports know; a source may count others as well.
namespace counter {
inline constexpr const char* kCycles = "cycles";
inline constexpr const char* kInstructions = "instructions";
inline constexpr const char* kMemoryBytes = "memory_bytes";  // moved between memory and caches, B
}  // namespace counter

class CounterSource {
 public:
  virtual ~CounterSource() = default;

  // Counts of all threads that exist at start(), until stop().
  virtual void start() = 0;
  virtual std::vector<CounterValue> stop() = 0;
};

// A way to count on a device. A file that brings one ends with
//   const CounterRegistration perf{{.name = "perf_event", ...}};
struct CounterProvider {
  std::string name;
  Device device = Device::kCpu;
  std::function<std::string()> why_not;  // empty if it can count here, else a sentence with a cure
  std::function<std::unique_ptr<CounterSource>()> make;
};

std::vector<CounterProvider>& counter_providers();

struct CounterRegistration {
  explicit CounterRegistration(CounterProvider provider);
};

}  // namespace sb
