// The part of the backward pass that is the same whatever the instruction set: rows are cut into
// chunks, each chunk gives one row of sums in double, and the rows are added in the chunks' order.
// No atomics, and the chunks depend on the shape alone: the result has the same bits for every
// number of threads.
#pragma once

#include <cstdint>
#include <memory>

#include "core/variant.h"
#include "suites/gr_kan/rational.h"

namespace sb::gr_kan {

struct BackwardCall {
  Shape shape;
  const float* x;
  const float* g;
  float* dx;
  const float* coefficients;  // as gather_coefficients() lays them
};

// Computes dx of rows [begin, end) and adds their sums to sums[groups][kTerms]. `scratch` holds
// scratch_floats_per_group floats per group, 64-byte aligned, with any content.
using ChunkFunction = void (*)(const BackwardCall& call, std::int64_t begin, std::int64_t end,
                               float* scratch, double* sums);

struct ChunkAlgorithm {
  ChunkFunction run;
  std::int64_t scratch_floats_per_group;
};

std::unique_ptr<Kernel> make_chunked(const Problem& problem, ChunkAlgorithm algorithm);

}  // namespace sb::gr_kan
