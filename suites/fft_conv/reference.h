// Convolutions in double: by definition up to kDirect points, by a double FFT above.
#pragma once

#include <cstdint>
#include <vector>

#include "core/dtype.h"

namespace sb::fft_conv {

inline constexpr std::int64_t kDirect = 4096;

enum class Direction { kConvolve, kCorrelate };

// c[i] = sum_m a[m] x[(i - m) mod n]  (kConvolve)  or  sum_m a[m] x[(i + m) mod n]  (kCorrelate),
// i < n; a and x are zero beyond their ends, n is a power of two.
std::vector<double> circular(Direction direction, const std::vector<double>& a,
                             const std::vector<double>& x, std::int64_t n);

// The kernel whose spectrum is that of k without the bins at n/2 (100 - percent)/100 and above.
std::vector<double> without_high_frequencies(const std::vector<double>& k, std::int64_t n,
                                             std::int64_t percent);
// Is bin f of n kept at this sparsity?
bool keeps_bin(std::int64_t f, std::int64_t n, std::int64_t percent);

std::vector<double> as_doubles(Dtype dtype, const void* base, std::int64_t first,
                               std::int64_t count);
std::vector<double> product(std::vector<double> a, const std::vector<double>& b);
double norm(const std::vector<double>& v);  // sqrt of the sum of squares

}  // namespace sb::fft_conv
