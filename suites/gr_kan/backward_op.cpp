// gr_kan_backward: with g = dL/dF, R = P', S = Q' (which carries sgn(x)),
//   dx     = g (R/Q - S P/Q^2)
//   da_i   = sum over the group's elements of  g x^i / Q                     i = 0 ... 5
//   db_i   = sum over the same of  -g P/Q^2 sgn(b_i) |x|^i                   i = 1 ... 4
#include <algorithm>
#include <cmath>

#include "core/registry.h"
#include "suites/gr_kan/gr_kan_op.h"

namespace sb::gr_kan {
namespace {

using namespace backward;

constexpr double kUnit = 0x1p-24;  // half an ulp of float

struct Sums {
  double value[kTerms] = {};
  double scale[kTerms] = {};  // sum of |term|, with |P| as the sum of its terms' magnitudes
};

struct Element {
  double dx, dx_scale;
  double term[kTerms], scale[kTerms];

  Element(double x, double g, const double* a, const double* b) {
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
};

// Sums of every group in double. Rows are cut into a fixed number of parts, so the reference does
// not depend on the number of threads.
std::vector<Sums> coefficient_sums(const Shape& s, const float* x, const float* g,
                                   const std::vector<double>& c) {
  constexpr std::int64_t kParts = 64;
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

// `terms` terms were added: a float sum in any order drifts like a random walk, u sqrt(terms).
double sum_tolerance(double terms) { return kUnit * (16 + 2 * std::sqrt(terms)); }

class GrKanBackward final : public Operation {
 public:
  std::string_view name() const override { return "gr_kan_backward"; }
  std::string_view formula() const override {
    return "dx = g (P'/Q - Q' P/Q^2), da_i = sum g x^i/Q, db_i = sum -g P/Q^2 sgn(b_i) |x|^i";
  }
  std::vector<ParamSpec> params() const override { return shape_params(); }
  std::vector<Dtype> dtypes() const override { return {Dtype::kF32}; }
  std::string why_not(const Problem& p) const override { return why_not_shape(p); }
  std::vector<std::string> fills() const override { return hard_fills(); }

  std::vector<TensorSpec> tensors(const Problem& problem) const override {
    const Shape s(problem);
    const TensorSpec a{.name = "a", .dims = {s.numerator_rows(), kNumerators}};
    const TensorSpec b{.name = "b", .dims = {s.groups, kDenominators}};
    const auto output = [](std::string name, TensorSpec spec) {
      spec.name = std::move(name);
      spec.role = Role::kOutput;
      return spec;
    };
    const TensorSpec x{.name = "x", .dims = {s.rows, s.d}};
    const TensorSpec g{.name = "g", .dims = {s.rows, s.d}};
    return {x, g, a, b, output("dx", x), output("da", a), output("db", b)};
  }

  // Factored: P 10, Q 8, P' 8, Q' 6, 1/Q 1, g/Q 1, t 2, dx 3, six sums 11, four sums 8.
  Cost cost(const Problem& problem) const override {
    const Shape s(problem);
    const auto n = static_cast<double>(s.elements());
    const auto coefficients =
        static_cast<double>(s.numerator_rows() * kNumerators + s.groups * kDenominators);
    return {.flops = 58 * n, .bytes_compulsory = 12 * n + 8 * coefficients};
  }

  void fill(const Problem& problem, const Fill& fill, std::uint64_t seed,
            const Operands& o) const override {
    const Shape s(problem);
    fill_x(s, fill, random_bits(seed, kX), o.get<float>(kX));
    fill_tensor({.name = "g", .dims = {s.rows, s.d}}, o.get<float>(kG), Fill{},
                random_bits(seed, kG));
    fill_coefficients(problem, random_bits(seed, kA), o.get<float>(kA), o.get<float>(kB));
  }

  std::vector<Expected> reference(const Problem& problem, const Operands& o) const override {
    const Shape s(problem);
    const std::vector<double> c = coefficients_as_double(s, o.get<float>(kA), o.get<float>(kB));
    std::vector<Expected> expected = {expected_dx(s, o, c), {}, {}};
    const std::vector<Sums> sums = coefficient_sums(s, o.get<float>(kX), o.get<float>(kG), c);
    expected[1] = expected_da(s, sums);
    expected[2] = expected_db(s, sums, o.get<float>(kB));
    return expected;
  }

  std::vector<Mutant> mutants() const override;

  std::vector<Metric> error_metrics(const Problem&, const Operands& o,
                                    const std::vector<Expected>& expected) const override {
    std::vector<Metric> metrics;
    for (const auto& [name, place, which] : {std::tuple{"da", kDa, 1}, std::tuple{"db", kDb, 2}}) {
      const Expected& e = expected[static_cast<std::size_t>(which)];
      double absolute = 0;
      double relative = 0;
      for (std::size_t k = 0; k < e.value.size(); ++k) {
        const double error = std::abs(double{o.get<float>(place)[k]} - e.value[k]);
        absolute += error;
        relative += e.scale[k] > 0 ? error / e.scale[k] : 0;
      }
      const auto count = static_cast<double>(e.value.size());
      metrics.push_back({std::string("mean_abs_error_") + name, absolute / count, "", "measured"});
      metrics.push_back(
          {std::string("error_over_sum_abs_") + name, relative / count, "", "measured"});
    }
    return metrics;
  }

 private:
  static Expected expected_dx(const Shape& s, const Operands& o, const std::vector<double>& c) {
    Expected dx{.index = sampled_elements(s), .tolerance = 32 * kUnit};
    const std::int64_t count =
        dx.index.empty() ? s.elements() : static_cast<std::int64_t>(dx.index.size());
    for (std::int64_t k = 0; k < count; ++k) {
      const std::int64_t i = dx.index.empty() ? k : dx.index[static_cast<std::size_t>(k)];
      const double* a = c.data() + i % s.d / s.group_size * kTerms;
      const Element e(o.get<float>(kX)[i], o.get<float>(kG)[i], a, a + kNumerators);
      dx.value.push_back(e.dx);
      dx.scale.push_back(e.dx_scale);
    }
    return dx;
  }

  static Expected expected_da(const Shape& s, const std::vector<Sums>& sums) {
    const std::int64_t groups_per_row = s.groups / s.numerator_rows();
    Expected da{.tolerance =
                    sum_tolerance(static_cast<double>(s.rows * s.group_size * groups_per_row))};
    for (std::int64_t row = 0; row < s.numerator_rows(); ++row) {
      for (int i = 0; i < kNumerators; ++i) {
        double value = 0;
        double scale = 0;
        for (std::int64_t k = 0; k < groups_per_row; ++k) {
          const Sums& group = sums[static_cast<std::size_t>(row * groups_per_row + k)];
          value += group.value[i];
          scale += group.scale[i];
        }
        da.value.push_back(value);
        da.scale.push_back(scale);
      }
    }
    return da;
  }

  static Expected expected_db(const Shape& s, const std::vector<Sums>& sums, const float* b) {
    Expected db{.tolerance = sum_tolerance(static_cast<double>(s.rows * s.group_size))};
    for (std::int64_t group = 0; group < s.groups; ++group) {
      for (int i = 0; i < kDenominators; ++i) {
        const Sums& sum = sums[static_cast<std::size_t>(group)];
        db.value.push_back(-sign(b[group * kDenominators + i]) * sum.value[kNumerators + i]);
        db.scale.push_back(sum.scale[kNumerators + i]);
      }
    }
    return db;
  }
};

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

std::vector<Mutant> GrKanBackward::mutants() const {
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

const Registration gr_kan_backward{std::make_unique<GrKanBackward>()};

}  // namespace
}  // namespace sb::gr_kan
