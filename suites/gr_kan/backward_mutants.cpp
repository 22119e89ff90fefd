// Planted bugs of gr_kan_backward: verification has to refuse each.
#include <algorithm>
#include <cmath>

#include "suites/gr_kan/backward_reference.h"

namespace sb::gr_kan {
namespace {

using namespace backward;

// dx recomputed by `f(x, g, Point)`.
template <typename F>
Mutant wrong_dx(std::string name, F f) {
  return {std::move(name), [f](const Problem& problem, const Operands& o) {
            const Shape s(problem);
            const std::vector<double> c =
                coefficients_as_double(s, o.get<float>(kA), o.get<float>(kB));
            for (std::int64_t i = 0; i < s.elements(); ++i) {
              const double* a = c.data() + i % s.d / s.group_size * kTerms;
              const double x = o.get<float>(kX)[i];
              o.get<float>(kDx)[i] = static_cast<float>(
                  f(x, double{o.get<float>(kG)[i]}, Point<double>(x, a, a + kNumerators)));
            }
          }};
}

// da and db lose (or change by) what element i contributed: `share(row, col)` of its terms goes.
template <typename F>
Mutant wrong_sums(std::string name, F share) {
  return {std::move(name), [share](const Problem& problem, const Operands& o) {
            const Shape s(problem);
            const std::vector<double> c =
                coefficients_as_double(s, o.get<float>(kA), o.get<float>(kB));
            std::vector<double> sums(static_cast<std::size_t>(s.groups * kTerms));
            for (std::int64_t i = 0; i < s.elements(); ++i) {
              const std::int64_t group = i % s.d / s.group_size;
              const double* a = c.data() + group * kTerms;
              const Element e(o.get<float>(kX)[i], o.get<float>(kG)[i], a, a + kNumerators);
              share(s, i / s.d, i % s.d, e, sums.data() + group * kTerms);
            }
            write_coefficient_gradients(s, o.get<float>(kB), sums.data(), o.get<float>(kDa),
                                        o.get<float>(kDb));
          }};
}

void add_all(const Element& e, double* sums) {
  for (int i = 0; i < kTerms; ++i) sums[i] += e.term[i];
}

}  // namespace

std::vector<Mutant> backward_mutants() {
  return {
      {"all zeros",
       [](const Problem& problem, const Operands& o) {
         const Shape s(problem);
         std::fill_n(o.get<float>(kDx), s.elements(), 0.0f);
         std::fill_n(o.get<float>(kDa), s.numerator_rows() * kNumerators, 0.0f);
         std::fill_n(o.get<float>(kDb), s.groups * kDenominators, 0.0f);
       }},
      wrong_dx("derivative of the denominator forgotten",
               [](double, double g, const Point<double>& at) { return g * at.dp / at.q; }),
      wrong_dx("sgn(x) forgotten",
               [](double, double g, const Point<double>& at) {
                 return g * at.dp / at.q - at.dq * g * at.p / (at.q * at.q);
               }),
      wrong_dx("sgn(0) taken as 0 in dx",
               [](double x, double g, const Point<double>& at) {
                 const double s = x == 0 ? 0 : sign(x);
                 return g * at.dp / at.q - s * at.dq * g * at.p / (at.q * at.q);
               }),
      wrong_dx("-0.0 taken as negative",
               [](double x, double g, const Point<double>& at) {
                 const double s = std::copysign(1.0, x);
                 return g * at.dp / at.q - s * at.dq * g * at.p / (at.q * at.q);
               }),
      {"sgn(0) taken as 0 in db",
       [](const Problem& problem, const Operands& o) {
         const Shape s(problem);
         for (std::int64_t k = 0; k < s.groups * kDenominators; ++k) {
           if (o.get<float>(kB)[k] == 0) o.get<float>(kDb)[k] = 0;
         }
       }},
      {"sign of b forgotten",
       [](const Problem& problem, const Operands& o) {
         const Shape s(problem);
         for (std::int64_t k = 0; k < s.groups * kDenominators; ++k) {
           o.get<float>(kDb)[k] *= static_cast<float>(sign(o.get<float>(kB)[k]));
         }
       }},
      {"two groups' db swapped",
       [](const Problem& problem, const Operands& o) {
         const Shape s(problem);
         float* db = o.get<float>(kDb);
         if (s.groups > 1) std::swap_ranges(db, db + kDenominators, db + kDenominators);
       }},
      {"shared numerator's gradient of one group only",
       [](const Problem& problem, const Operands& o) {
         const Shape s(problem);
         if (!s.shared_numerator || s.groups == 1) return;
         const std::vector<double> c =
             coefficients_as_double(s, o.get<float>(kA), o.get<float>(kB));
         const std::vector<Sums> sums = coefficient_sums(s, o.get<float>(kX), o.get<float>(kG), c);
         for (int i = 0; i < kNumerators; ++i) {
           o.get<float>(kDa)[i] = static_cast<float>(sums[0].value[i]);
         }
       }},
      wrong_sums("signed instead of absolute powers in db",
                 [](const Shape&, std::int64_t, std::int64_t, const Element& e, double* sums) {
                   for (int i = 0; i < kNumerators; ++i) sums[i] += e.term[i];
                   // x^i = sgn(x)^i |x|^i, and sgn(x) is the ratio of the signs of da_1 and da_0.
                   const double sign_x = e.term[0] * e.term[1] < 0 ? -1 : 1;
                   for (int i = kNumerators; i < kTerms; ++i) {
                     sums[i] += (i - kNumerators) % 2 == 0 ? sign_x * e.term[i] : e.term[i];
                   }
                 }),
      wrong_sums(
          "last row left out of the sums",
          [](const Shape& s, std::int64_t row, std::int64_t, const Element& e, double* sums) {
            if (row + 1 < s.rows) add_all(e, sums);
          }),
      wrong_sums(
          "last channel of each group left out of the sums",
          [](const Shape& s, std::int64_t, std::int64_t col, const Element& e, double* sums) {
            if (col % s.group_size + 1 < s.group_size) add_all(e, sums);
          }),
  };
}

}  // namespace sb::gr_kan
