// block_shared: the scheme of KAT's earlier CUDA extension. Blocks of 256 neighbouring elements add
// into sums of their own (shared memory there, an array in L1 here), then each block adds all its
// sums to the global ones atomically.
#include <algorithm>

#include "core/buffer.h"
#include "core/registry.h"
#include "suites/gr_kan/atomic_sums.h"

namespace sb::gr_kan {
namespace {

constexpr std::int64_t kBlock = 256;

void add_block(const BackwardCall& call, std::int64_t begin, std::int64_t end, float* block,
               float* global) {
  const Shape& s = call.shape;
  std::fill_n(block, s.groups * kTerms, 0.0f);
  for (std::int64_t i = begin; i < end; ++i) {
    const std::int64_t first = i % s.d / s.group_size * kTerms;
    float terms[kTerms];
    call.dx[i] = backward_element(call.x[i], call.g[i], call.coefficients + first, terms);
    for (int k = 0; k < kTerms; ++k) block[first + k] += terms[k];
  }
  for (std::int64_t k = 0; k < s.groups * kTerms; ++k) atomic_add(global[k], block[k]);
}

void backward_block_shared(const BackwardCall& call, int threads, float* global) {
  const std::int64_t count = call.shape.elements();
#pragma omp parallel num_threads(threads)
  {
    const Buffer block(static_cast<std::size_t>(call.shape.groups * kTerms) * sizeof(float));
#pragma omp for schedule(static)
    for (std::int64_t begin = 0; begin < count; begin += kBlock) {
      add_block(call, begin, std::min(begin + kBlock, count), block.as<float>(), global);
    }
  }
}

const Registration block_shared{
    Variant{.op = "gr_kan_backward",
            .name = "block_shared",
            .summary = "sums per block of 256 elements, then one atomic addition per sum and block",
            .paper = "arXiv:2409.10594, released CUDA extension",
            .make = [](const Problem& p) { return make_atomic(p, backward_block_shared); }}};

}  // namespace
}  // namespace sb::gr_kan
