// naive_accumulate: the loop one writes first. Ten float sums per group in memory, a read, an
// addition and a write each per element: a chain through the store buffer. With several threads,
// each has its sums and thread 0 adds them up in order.
#include <omp.h>

#include <algorithm>

#include "core/buffer.h"
#include "core/registry.h"
#include "suites/gr_kan/atomic_sums.h"

namespace sb::gr_kan {
namespace {

void add_rows(const BackwardCall& call, std::int64_t begin, std::int64_t end, float* sums) {
  const Shape& s = call.shape;
  for (std::int64_t row = begin; row < end; ++row) {
    for (std::int64_t col = 0; col < s.d; ++col) {
      const std::int64_t i = row * s.d + col;
      const std::int64_t first = col / s.group_size * kTerms;
      float terms[kTerms];
      call.dx[i] = backward_element(call.x[i], call.g[i], call.coefficients + first, terms);
      for (int k = 0; k < kTerms; ++k) sums[first + k] += terms[k];
    }
  }
}

void backward_naive(const BackwardCall& call, int threads, float* global) {
  const std::int64_t count = call.shape.groups * kTerms;
  const std::int64_t stride = (count + 15) / 16 * 16;  // a line of its own for each thread's sums
  const Buffer all(static_cast<std::size_t>(stride * threads) * sizeof(float));
  std::fill_n(all.as<float>(), stride * threads, 0.0f);
#pragma omp parallel num_threads(threads)
  {
    const std::int64_t t = omp_get_thread_num();
    add_rows(call, call.shape.rows * t / threads, call.shape.rows * (t + 1) / threads,
             all.as<float>() + t * stride);
  }
  for (std::int64_t t = 0; t < threads; ++t) {
    for (std::int64_t k = 0; k < count; ++k) global[k] += all.as<float>()[t * stride + k];
  }
}

const Registration naive_accumulate{
    Variant{.op = "gr_kan_backward",
            .name = "naive_accumulate",
            .summary = "ten float sums in memory, updated element by element",
            .make = [](const Problem& p) { return make_atomic(p, backward_naive); }}};

}  // namespace
}  // namespace sb::gr_kan
