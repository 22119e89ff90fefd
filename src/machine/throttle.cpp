#include "machine/throttle.h"

#include <chrono>
#include <cmath>
#include <stdexcept>
#include <string>
#include <thread>

namespace sb {

bool throttled(const Stamps& stamps, double declared_mhz, const ThrottleRule& rule) {
  if (stamps.clock_mhz <= 0 || declared_mhz <= 0 || stamps.ns < rule.least_judged_ns) return false;
  return stamps.clock_mhz < rule.least_clock * declared_mhz;
}

Stamps take_unthrottled(const std::function<Stamps()>& take, double declared_mhz,
                        const ThrottleRule& rule, int& rejected) {
  Stamps stamps;
  for (int in_a_row = 0; in_a_row < rule.most_rejected; ++in_a_row) {
    stamps = take();
    if (!throttled(stamps, declared_mhz, rule)) return stamps;
    ++rejected;
    std::this_thread::sleep_for(std::chrono::duration<double>(rule.recovery_s));
  }
  throw std::runtime_error("the GPU is throttled: " + std::to_string(rule.most_rejected) +
                           " samples in a row ran at " +
                           std::to_string(std::lround(stamps.clock_mhz)) + " of " +
                           std::to_string(std::lround(declared_mhz)) +
                           " MHz; cool it, or lock its clocks (nvidia-smi --lock-gpu-clocks)");
}

}  // namespace sb
