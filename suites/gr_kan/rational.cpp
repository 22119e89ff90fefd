#include "suites/gr_kan/rational.h"

namespace sb::gr_kan {

Shape::Shape(const Problem& problem)
    : rows(problem.params.integer("rows")),
      d(problem.params.integer("d")),
      groups(problem.params.integer("groups")),
      group_size(d / groups),
      shared_numerator(problem.params.word("numerator") == "shared") {}

void gather_coefficients(const Shape& shape, const float* a, const float* b, float* gathered) {
  for (std::int64_t group = 0; group < shape.groups; ++group) {
    const float* numerator = a + (shape.shared_numerator ? 0 : group * kNumerators);
    for (int i = 0; i < kNumerators; ++i) *gathered++ = numerator[i];
    for (int i = 0; i < kDenominators; ++i) *gathered++ = std::abs(b[group * kDenominators + i]);
  }
}

void write_coefficient_gradients(const Shape& shape, const float* b, const double* sums, float* da,
                                 float* db) {
  for (std::int64_t row = 0; row < shape.numerator_rows(); ++row) {
    for (int i = 0; i < kNumerators; ++i) {
      double sum = sums[row * kTerms + i];
      if (shape.shared_numerator) {
        for (std::int64_t group = 1; group < shape.groups; ++group) sum += sums[group * kTerms + i];
      }
      da[row * kNumerators + i] = static_cast<float>(sum);
    }
  }
  for (std::int64_t group = 0; group < shape.groups; ++group) {
    for (int i = 0; i < kDenominators; ++i) {
      const std::int64_t k = group * kDenominators + i;
      db[k] = static_cast<float>(-sign(b[k]) * sums[group * kTerms + kNumerators + i]);
    }
  }
}

}  // namespace sb::gr_kan
