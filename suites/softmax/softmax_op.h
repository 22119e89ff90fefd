// Softmax of every row:  y[r,c] = exp(x[r,c] - m[r]) / sum_c exp(x[r,c] - m[r]),  m[r] = max_c
// x[r,c]
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/variant.h"

namespace sb::softmax {

enum Place { kX, kY };  // both rows x cols, f32, rows `stride` elements apart

struct Shape {
  explicit Shape(const Problem& problem);
  std::int64_t rows, cols, stride;
};

// Error that a kernel may make, relative to the scale of reference(). A blocked sum keeps it below
// kBlockedTolerance at any length (spec section 2.6: the exponential and the sum cost a few units
// of 2^-24, kTermsPerLane float additions in one lane up to 8 more with random signs); ours must.
// Libraries add up a whole row in a few float accumulators: in 8 of them (XNNPACK) a sum drifts by
// up to 1/8 of an addition's unit for each.
inline constexpr double kBlockedTolerance = 0x1p-24 * 24;
double tolerance_of(const Problem& problem);

// Bytes of `passes` row-lengths, read or written, of every row.
double bytes_moved(const Problem& problem, double passes);

// What one block of a row contributes to its softmax, and what blocks add up to. The running sum
// is a double: with at most kTermsPerLane float additions in a row one tolerance serves every
// length.
//   three-pass, online: `scale` is the maximum m, the sum is of exp(x - m)
//   two-pass:           `scale` is the exponent e, the sum is of exp(x) * 2^-e
struct Partial {
  float scale;
  double sum;
};

inline constexpr std::int64_t kBlock = 4096;  // elements; 16 KiB stays in any L1 between two looks
inline constexpr std::int64_t kTermsPerLane = 128;

// An algorithm, compiled for one instruction set. Every pass works on a piece of a row.
struct Passes {
  // Three-pass only: maximum of a piece. Null where the sum pass finds its own.
  float (*maximum)(const float* x, std::int64_t n);
  // Sum of at most `block` elements. `scale` is the row's maximum where `maximum` is given. May
  // write y (reload stores the exponentials).
  Partial (*sum)(const float* x, float* y, std::int64_t n, float scale);
  Partial (*merge)(Partial a, Partial b);
  void (*write)(const float* x, float* y, std::int64_t n, Partial total);
  // Two-pass only: can this total be trusted? Null: always. Rows that can't are done by `rescue`.
  bool (*trusted)(Partial total);
  const Passes* rescue;
  std::int64_t block;  // elements summed in float before the double takes over; at most kBlock
};

// A variant from its passes: rows are shared out over threads; where there are fewer rows than
// threads, each row is split and its partial results are merged.
// `moved` is the number of row-lengths read and written by the passes together.
Variant variant_of(std::string name, Isa isa, const Passes& passes, double moved,
                   std::string summary, std::string paper = "");

}  // namespace sb::softmax
