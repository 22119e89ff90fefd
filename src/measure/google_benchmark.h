// The timing loop is Google Benchmark's; this is the only door to it.
#pragma once

#include <cstdint>
#include <vector>

#include "core/variant.h"

namespace sb {

// Nanoseconds (wall clock: Google Benchmark's monotonic one, or the kernel's own where it has one)
// of `iterations` calls of the kernel, which go through `sets` in turn, starting behind where
// `next` stands and leaving it there.
double time_calls(Kernel& kernel, const std::vector<Operands>& sets, std::size_t& next,
                  std::int64_t iterations);

}  // namespace sb
