#include "core/processor.h"

#include <array>
#include <fstream>
#include <string>

namespace sb {
namespace {

double bytes_in_sysfs(int level) {
  double kib = 0;  // "1024K": the number ends where the unit begins
  std::ifstream("/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(level) + "/size") >>
      kib;
  return kib * 1024;
}

}  // namespace

Processor this_processor() {
#if defined(__x86_64__)
  if (__builtin_cpu_is("amd") != 0) return Processor::kAmd;
  if (__builtin_cpu_is("intel") != 0 && __builtin_cpu_supports("avx512f") != 0) {
    return Processor::kIntelServer;
  }
#endif
  return Processor::kOther;
}

double cache_bytes(int level) {
  // Index 0 and 1 are the first level's data and instructions, so that 2 and 3 are levels.
  static const std::array<double, 2> bytes = {bytes_in_sysfs(2), bytes_in_sysfs(3)};
  return level == 2 || level == 3 ? bytes[static_cast<std::size_t>(level - 2)] : 0;
}

}  // namespace sb
