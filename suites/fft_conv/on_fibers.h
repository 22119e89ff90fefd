// Kernels on fibers that registered variants launch only on a GPU, or only on sequences longer than
// can be checked: for device_test.cpp.
#pragma once

#include <cstdint>
#include <memory>

#include "core/variant.h"

namespace sb::fft_conv {

// monarch_staged with an inner transform of so many points: n / 16, n / 32 or n / 256.
std::unique_ptr<Kernel> staged_on_fibers(const Problem& problem, std::int64_t inner_points);
std::unique_ptr<Kernel> staged_backward_on_fibers(const Problem& problem,
                                                  std::int64_t inner_points);

// The launches of cufft_unfused_c2c (`complex`) or cufft_r2c around transforms by definition.
std::unique_ptr<Kernel> unfused_on_fibers(const Problem& problem, bool complex);

}  // namespace sb::fft_conv
