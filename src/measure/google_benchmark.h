// The timing loop is Google Benchmark's; this is the only door to it.
#pragma once

#include <cstdint>

#include "core/variant.h"
#include "measure/cache_state.h"

namespace sb {

// Nanoseconds (wall clock: Google Benchmark's monotonic one, or the kernel's own where it has one)
// of `iterations` calls of the kernel, each on the set of the rotation whose turn it is. Warm
// operands are touched before.
double time_calls(Kernel& kernel, Rotation& rotation, std::int64_t iterations);

}  // namespace sb
