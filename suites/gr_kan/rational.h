// The group-rational function of GR-KAN and its derivatives, in one place.
//
//   F(x) = P(x) / Q(x),  P(x) = a0 + a1 x + ... + a5 x^5,  Q(x) = 1 + |b1||x| + ... + |b4||x|^4
//
// Q takes the absolute value of each term: the form that every released kernel computes. (The KAT
// paper writes one absolute value around the whole sum; the two agree only while all b_i x^i have
// one sign.) sgn(0) = +1 for x and for b, -0.0 included.
#pragma once

#include <cmath>
#include <cstdint>

#include "core/operation.h"

namespace sb::gr_kan {

inline constexpr int kNumerators = 6;    // a0 ... a5
inline constexpr int kDenominators = 4;  // b1 ... b4
inline constexpr int kTerms = kNumerators + kDenominators;

// Channel c of a row belongs to group c / group_size.
struct Shape {
  std::int64_t rows = 0;
  std::int64_t d = 0;
  std::int64_t groups = 0;
  std::int64_t group_size = 0;
  bool shared_numerator = false;  // one row of a for all groups; its gradient sums over the groups

  explicit Shape(const Problem& problem);
  std::int64_t elements() const { return rows * d; }
  std::int64_t numerator_rows() const { return shared_numerator ? 1 : groups; }
};

// The coefficients of all groups as kernels want them: a0 ... a5, |b1| ... |b4| of group 0, then of
// group 1, ... (kTerms floats each).
void gather_coefficients(const Shape& shape, const float* a, const float* b, float* gathered);

// Turns sums[group][kTerms] of  g x^i / Q  and  g P / Q^2 |x|^i  into da and db: adds up the groups
// of a shared numerator, and gives db its sign.
void write_coefficient_gradients(const Shape& shape, const float* b, const double* sums, float* da,
                                 float* db);

inline double sign(double v) { return v < 0 ? -1 : 1; }

// Scalar evaluation at one x; T is float in the naive variants and double in the reference.
template <typename T>
struct Point {
  T p, q;    // P, Q
  T dp, dq;  // P', and Q' / sgn(x)

  // a: a0 ... a5; b: |b1| ... |b4|
  Point(T x, const T* a, const T* b) {
    const T ax = std::abs(x);
    p = ((((a[5] * x + a[4]) * x + a[3]) * x + a[2]) * x + a[1]) * x + a[0];
    q = (((b[3] * ax + b[2]) * ax + b[1]) * ax + b[0]) * ax + 1;
    dp = (((5 * a[5] * x + 4 * a[4]) * x + 3 * a[3]) * x + 2 * a[2]) * x + a[1];
    dq = ((4 * b[3] * ax + 3 * b[2]) * ax + 2 * b[1]) * ax + b[0];
  }
};

}  // namespace sb::gr_kan
