// Whether a sample on a GPU counts: not if the multiprocessors' clock was low while it was taken.
#pragma once

#include <functional>

#include "machine/gpu.h"

namespace sb {

struct ThrottleRule {
  double least_clock = 0.75;     // share of the declared clock below which a sample is thrown away
  double least_judged_ns = 1e5;  // the global timer may tick once per microsecond: 1 %
  int most_rejected = 20;        // in a row
  double recovery_s = 0.05;      // pause after a rejected sample
};

// Unknown clocks and spans too short to judge are not throttled.
bool throttled(const Stamps& stamps, double declared_mhz, const ThrottleRule& rule);

// Takes samples until one counts; adds those thrown away to `rejected`. Throws std::runtime_error,
// with the clock and the cure, after rule.most_rejected in a row.
Stamps take_unthrottled(const std::function<Stamps()>& take, double declared_mhz,
                        const ThrottleRule& rule, int& rejected);

}  // namespace sb
