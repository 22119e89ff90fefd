// The passes between transforms, for the variants whose transforms are a library's: vectorised for
// the best instruction set of the machine, as a library would have it.
#pragma once

#include <cstdint>

#include "backend/stored.h"

namespace sb::fft_conv {

// z[i] = u[i] gate[i] as floats (gate null: u[i]), zeros from `count` to `padded`.
void load_row(Dtype dtype, const void* u, const void* gate, std::int64_t count, std::int64_t padded,
              float* z);

// y[i] = c[i] gate[i] (gate null: c[i]), rounded to the storage type.
void store_row(Dtype dtype, const float* c, const void* gate, std::int64_t count, void* y);

// Interleaved complex numbers (re, im, re, im, ...): z = z k, z = z conj(k), sum += z conj(k).
void multiply(float* z, const float* k, std::int64_t count);
void multiply_conjugate(float* z, const float* k, std::int64_t count);
void add_product_conjugate(const float* z, const float* k, std::int64_t count, float* sum);

// Real and imaginary parts apart: z = z k.
void multiply_split(float* re, float* im, const float* k_re, const float* k_im, std::int64_t count);

// Element `i` of a stored array.
inline const void* at(Dtype dtype, const void* base, std::int64_t i) {
  return base == nullptr
             ? nullptr
             : static_cast<const char*>(base) + i * static_cast<std::int64_t>(size_of(dtype));
}
inline void* at(Dtype dtype, void* base, std::int64_t i) {
  return static_cast<char*>(base) + i * static_cast<std::int64_t>(size_of(dtype));
}

// Calls f with a null pointer of the storage type.
template <class F>
void for_stored_type(Dtype dtype, const F& f) {
  if (dtype == Dtype::kBf16) return f(static_cast<Bf16*>(nullptr));
  if (dtype == Dtype::kF16) return f(static_cast<F16*>(nullptr));
  f(static_cast<float*>(nullptr));
}

}  // namespace sb::fft_conv
