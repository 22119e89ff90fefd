// Matrix products by definition on the host, as StandardAttention wants its BLAS: they stand in for
// cuBLAS where the launch between them runs without a GPU.
#pragma once

#include <cstdint>

#include "suites/attention/standard_call.cuh"

namespace sb::attention {
namespace {

struct BlasByDefinition {
  void multiply(bool transposed, std::int64_t rows, std::int64_t columns, std::int64_t inner,
                float factor, const Matrices& a, const Matrices& b, const Matrices& to,
                std::int64_t count) const {
    for (std::int64_t i = 0; i < count * rows * columns; ++i) {
      const std::int64_t row = i % rows, column = i / rows % columns, which = i / (rows * columns);
      double sum = 0;
      for (std::int64_t k = 0; k < inner; ++k) {
        const std::int64_t of_a = transposed ? row * a.column + k : k * a.column + row;
        sum += load_as_double(a.type, a.data, which * a.next + of_a) *
               load_as_double(b.type, b.data, which * b.next + column * b.column + k);
      }
      store_from_double(to.type, const_cast<void*>(to.data),
                        which * to.next + column * to.column + row, factor * sum);
    }
  }
};

}  // namespace
}  // namespace sb::attention
