// The right answer of gr_kan_backward in double, element by element: what the operation is verified
// against and what its planted bugs bend.
#pragma once

#include <vector>

#include "suites/gr_kan/gr_kan_op.h"

namespace sb::gr_kan {

// Of one group: sums of the ten terms of its elements, and of the terms' magnitudes, with |P| as
// the sum of its own terms' magnitudes.
struct Sums {
  double value[kTerms] = {};
  double scale[kTerms] = {};
};

// What one element gives: dx and its ten terms of da and db (the latter without -sgn(b)), each with
// its scale.
struct Element {
  double dx, dx_scale;
  double term[kTerms], scale[kTerms];

  // a: a0 ... a5; b: |b1| ... |b4|
  Element(double x, double g, const double* a, const double* b);
};

// Sums of every group; c as coefficients_as_double() gives it. The same bits for any number of
// threads.
std::vector<Sums> coefficient_sums(const Shape& shape, const float* x, const float* g,
                                   const std::vector<double>& c);

std::vector<Mutant> backward_mutants();

}  // namespace sb::gr_kan
