// The plan of the fused convolution of n real points: how a row is cut into blocks, and the twiddle
// factors of every pass. The same for all instruction sets but for the size of the innermost block.
//
// Outermost, a real pass of radix R splits a row into R blocks of s = n/R points, block r holding
// the frequencies r mod R. Because the row is real, block R-r is the conjugate of block r: only R/2
// - 1 complex blocks ("own") are kept. Blocks 0 and R/2 are real; two rows of one channel share
// them, one as the real and one as the imaginary part (with a real kernel that costs nothing). Each
// block is then transformed, multiplied and transformed back before the next is touched, so that
// whatever fits a cache stays there. Frequencies are never put in order: the kernel goes the same
// way.
#pragma once

#include <cstdint>
#include <vector>

#include "core/buffer.h"

namespace sb::fft_conv {

// A complex pass of radix `radix`: blocks of radix * stride points into `radix` of `stride`.
struct FusedLevel {
  int radix = 0;
  std::int64_t stride = 0;
  // Per 16 columns j and slot r: 16 re, 16 im of W^(jr), W = exp(-2 pi i / (radix stride)). Slot 0,
  // whose factor is 1, holds W^j exp(-pi i/4), which the inverse radix 8 wants.
  const float* twiddles = nullptr;
};

struct FusedPlan {
  // `lanes` of a vector: 16, 8 or 1. Vectors transform the innermost 64 points in registers.
  FusedPlan(std::int64_t n, bool half, int lanes);

  std::int64_t n;
  bool half;           // the second half of a row is zero and not wanted back: causal
  int radix;           // of the real pass
  std::int64_t s;      // points of a block
  std::int64_t apart;  // floats from block to block in the work area; more than s if s is long
  std::int64_t plane;  // floats from real to imaginary parts
  std::vector<FusedLevel> levels;
  const float* innermost = nullptr;  // twiddle factors of the innermost 64 points (blocks-inl.h)

  // Of the real pass, slots 0 ... R/2 - 2 of the own blocks, slot R/2 - 1 of block R/2. Short rows
  // have a table as above. For long ones it would be as large as the row: then 16 columns times a
  // factor per 16 columns (re, im per slot).
  const float* table = nullptr;
  const float* columns = nullptr;
  const float* steps = nullptr;

  int own() const { return radix / 2 - 1; }
  int slots() const { return radix / 2; }
  int frequencies() const { return own() + 2; }
  std::int64_t work_floats() const { return 2 * plane; }
  // A spectrum holds the own blocks, block 0 and block R/2. If blocks are as small as the innermost
  // kernel, a team's lie side by side and one call does them all: the own blocks come twice then.
  bool contiguous;
  std::int64_t spectrum_floats() const { return shared_spectrum() + 4 * s; }
  std::int64_t shared_spectrum() const { return 2 * s * own() * (contiguous ? 2 : 1); }

 private:
  const float* keep(std::vector<float> values);
  void make_real_pass();
  void make_levels(std::int64_t size);
  void make_innermost(int lanes);

  std::vector<Buffer> tables_;
};

// Which frequency (mod radix) each own block holds, in the order of the slots.
std::vector<int> own_frequencies(int radix);

}  // namespace sb::fft_conv
