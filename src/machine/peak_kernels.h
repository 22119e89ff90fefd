// The loops whose speed is a ceiling: as few instructions per byte, or per FLOP, as the
// instruction set allows. Nothing here is timed or chosen; peaks.cpp does that.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/dtype.h"
#include "core/isa.h"

namespace sb {

// One pass over `n` doubles per array (a multiple of 128, aligned to 64 bytes).
struct StreamKernel {
  std::string kind;  // "read", "copy", "triad", "write", with "_nt" for streaming stores
  int arrays = 1;    // that a pass touches: bytes are 8 n arrays, without write-allocate
  void (*pass)(double* a, const double* b, const double* c, std::int64_t n) = nullptr;
};

// A pass that walks through `runs` parts of every array at once, one begun where the other ends,
// reading ahead; by one run it is kernel.pass() itself. Memory serves several pages at once faster
// than one. Returns when streaming stores have arrived.
void pass_in_runs(const StreamKernel& kernel, int runs, double* a, const double* b, const double* c,
                  std::int64_t n);

// With the widest vectors that this machine has: a ceiling is not asked how it was reached.
std::vector<StreamKernel> stream_kernels();

struct FlopKernel {
  std::string kind;  // "fma", or "dot" for the bf16 dot product
  Isa isa = Isa::kScalar;
  Dtype dtype = Dtype::kF32;
  double flops_per_iteration = 0;
  void (*run)(std::int64_t iterations) = nullptr;
};

std::vector<FlopKernel> flop_kernels();  // those that can run here

}  // namespace sb
