// atomic: the KAT kernel that FlashKAT is measured against. Every element issues ten atomic float
// additions onto the 10 x groups sums, which all threads share.
#include "core/registry.h"
#include "suites/gr_kan/atomic_sums.h"

namespace sb::gr_kan {
namespace {

void backward_atomic(const BackwardCall& call, int threads, float* global) {
  const Shape& s = call.shape;
#pragma omp parallel for num_threads(threads) schedule(static)
  for (std::int64_t row = 0; row < s.rows; ++row) {
    for (std::int64_t col = 0; col < s.d; ++col) {
      const std::int64_t i = row * s.d + col;
      const std::int64_t first = col / s.group_size * kTerms;
      float terms[kTerms];
      call.dx[i] = backward_element(call.x[i], call.g[i], call.coefficients + first, terms);
      for (int k = 0; k < kTerms; ++k) atomic_add(global[first + k], terms[k]);
    }
  }
}

const Registration atomic{
    Variant{.op = "gr_kan_backward",
            .name = "atomic",
            .summary = "ten atomic float additions per element: FlashKAT's baseline",
            .paper = "arXiv:2409.10594, released Triton kernel",
            .make = [](const Problem& p) { return make_atomic(p, backward_atomic); }}};

}  // namespace
}  // namespace sb::gr_kan
