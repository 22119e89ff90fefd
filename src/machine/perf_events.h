// The events of Linux perf that `profile` counts.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace sb {

struct PerfEvent {
  std::string name;
  std::uint32_t type = 0;
  std::uint64_t config = 0;
  double scale = 1;  // of a count, into `unit`
  std::string unit;
  int cpu = -1;  // >= 0: of that processor's memory controllers, whoever uses them
};

// The read and write counters of the memory controllers, as the kernel describes them under
// `devices` (/sys/bus/event_source/devices). Empty where it describes none.
std::vector<PerfEvent> memory_controller_events(const std::filesystem::path& devices);

}  // namespace sb
