#include "suites/gr_kan/backward_reference.h"

#include <cmath>

namespace sb::gr_kan {

Element::Element(double x, double g, const double* a, const double* b) {
  const Point<double> at(x, a, b);
  const double ax = std::abs(x);
  double p_terms = 0;
  double dp_terms = 0;
  double power = 1;  // |x|^i
  for (int i = 0; i < kNumerators; ++i, power *= ax) {
    p_terms += std::abs(a[i]) * power;
    if (i + 1 < kNumerators) dp_terms += (i + 1) * std::abs(a[i + 1]) * power;
  }
  const double t = g * at.p / (at.q * at.q);
  dx = g * at.dp / at.q - sign(x) * at.dq * t;
  dx_scale = std::abs(g) * (dp_terms / at.q + at.dq * p_terms / (at.q * at.q));
  power = 1;
  for (int i = 0; i < kNumerators; ++i, power *= x) {
    term[i] = g * power / at.q;
    scale[i] = std::abs(term[i]);
  }
  power = ax;
  for (int i = kNumerators; i < kTerms; ++i, power *= ax) {
    term[i] = t * power;
    scale[i] = std::abs(g) * p_terms / (at.q * at.q) * power;
  }
}

std::vector<Sums> coefficient_sums(const Shape& s, const float* x, const float* g,
                                   const std::vector<double>& c) {
  constexpr std::int64_t kParts = 64;  // fixed: the answer must not depend on the threads
  std::vector<Sums> parts(static_cast<std::size_t>(kParts * s.groups));
#pragma omp parallel for schedule(dynamic)
  for (std::int64_t part = 0; part < kParts; ++part) {
    Sums* sums = parts.data() + part * s.groups;
    for (std::int64_t row = s.rows * part / kParts; row < s.rows * (part + 1) / kParts; ++row) {
      for (std::int64_t col = 0; col < s.d; ++col) {
        const std::int64_t group = col / s.group_size;
        const double* a = c.data() + group * kTerms;
        const Element e(x[row * s.d + col], g[row * s.d + col], a, a + kNumerators);
        for (int i = 0; i < kTerms; ++i) {
          sums[group].value[i] += e.term[i];
          sums[group].scale[i] += e.scale[i];
        }
      }
    }
  }
  std::vector<Sums> total(static_cast<std::size_t>(s.groups));
  for (std::size_t k = 0; k < parts.size(); ++k) {
    Sums& sums = total[k % total.size()];
    for (int i = 0; i < kTerms; ++i) {
      sums.value[i] += parts[k].value[i];
      sums.scale[i] += parts[k].scale[i];
    }
  }
  return total;
}

}  // namespace sb::gr_kan
