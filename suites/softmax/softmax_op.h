// Along the last axis, row by row, with m[r] = max_c x[r,c]:
//   softmax      y[r,c] = exp(x[r,c] - m[r]) / sum_c exp(x[r,c] - m[r])
//   log_softmax  y[r,c] = (x[r,c] - m[r]) - log sum_c exp(x[r,c] - m[r])
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/variant.h"

namespace sb::softmax {

enum Place { kX, kY };  // both rows x cols of the problem's dtype, rows `stride` elements apart

struct Shape {
  explicit Shape(const Problem& problem);
  std::int64_t rows, cols, stride;
};

// Error allowed relative to the scale of an element: that of the float arithmetic, and the rounding
// to the storage type.
struct Tolerance {
  double arithmetic, storage;
  double all() const { return arithmetic + storage; }
};

// At any length: blocked sums cost no more than a few units of 2^-24 for the exponential and
// kTermsPerLane float additions in a lane (spec section 2.6); storage is rounded once.
Tolerance tolerance(const Problem& problem);

// What libraries may take of it. XNNPACK adds up a whole row in 8 float accumulators, which drifts
// by up to 1/8 of an addition's unit for each; oneDNN's logarithm is off by 50 units, and it rounds
// 16-bit results twice.
double library_tolerance_factor(const Problem& problem);

// Bytes of `passes` row-lengths, read or written, of every row.
double bytes_moved(const Problem& problem, double passes);

}  // namespace sb::softmax
