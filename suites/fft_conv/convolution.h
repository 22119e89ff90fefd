// Depthwise long convolution, one kernel per channel, over a transform of n points:
//
//   z[b,h,i] = u[b,h,i] g_in[b,h,i]                         (z = u if not gated)
//   c[b,h,i] = sum_m k[h,m] z[b,h,(i - m) mod n]            u and k zero beyond l and lk
//   y[b,h,i] = c[b,h,i] g_out[b,h,i],  i < l                (y = c if not gated)
//
// Circular: l = n by default. Causal: l = n/2, so that nothing wraps around. In the papers' tables
// "sequence length" is n in both cases: their causal rows process n/2 samples.
#pragma once

#include <cstdint>

#include "core/operation.h"

namespace sb::fft_conv {

struct Shape {
  std::int64_t b = 0;
  std::int64_t h = 0;
  std::int64_t n = 0;   // points of the transform, a power of two
  std::int64_t l = 0;   // samples of a sequence
  std::int64_t lk = 0;  // taps of a kernel
  bool causal = false;
  bool gated = false;
  bool cached = false;        // the kernels' spectra are made before the timed calls
  std::int64_t sparsity = 0;  // percent of the kernels' spectra that is zero

  explicit Shape(const Problem& problem);
  std::int64_t rows() const { return b * h; }
  std::int64_t elements() const { return b * h * l; }
  std::int64_t row(std::int64_t batch, std::int64_t channel) const { return batch * h + channel; }
  std::int64_t bins() const { return n / 2 + 1; }  // of a real transform
};

// Places of the operands: gates come last, so that the others keep theirs.
namespace forward {
enum Place { kU, kK, kY, kGateIn, kGateOut };
}
namespace backward {  // dy is dL/dy, and so on
enum Place { kU, kK, kDy, kDu, kDk, kGateIn, kGateOut, kDGateIn, kDGateOut };
}

}  // namespace sb::fft_conv
