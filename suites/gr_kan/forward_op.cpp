// gr_kan: y = P(x) / Q(x), element by element.
#include <algorithm>

#include "core/registry.h"
#include "suites/gr_kan/gr_kan_op.h"

namespace sb::gr_kan {
namespace {

using namespace forward;

// A float evaluation of P and Q in any order is a few roundings per term away; 19 operations.
constexpr double kTolerance = 16 * 0x1p-24;

class GrKan final : public Operation {
 public:
  std::string_view name() const override { return "gr_kan"; }
  std::string_view formula() const override {
    return "y = (a0 + a1 x + ... + a5 x^5) / (1 + |b1||x| + ... + |b4||x|^4), a and b by group";
  }
  std::vector<ParamSpec> params() const override { return shape_params(); }
  std::vector<Dtype> dtypes() const override { return {Dtype::kF32}; }
  std::string why_not(const Problem& p) const override { return why_not_shape(p); }
  std::vector<std::string> fills() const override { return hard_fills(); }

  std::vector<TensorSpec> tensors(const Problem& problem) const override {
    const Shape s(problem);
    return {{.name = "x", .dims = {s.rows, s.d}},
            {.name = "a", .dims = {s.numerator_rows(), kNumerators}},
            {.name = "b", .dims = {s.groups, kDenominators}},
            {.name = "y", .dims = {s.rows, s.d}, .role = Role::kOutput}};
  }

  // Horner: 10 for P, 8 for Q, 1 division.
  Cost cost(const Problem& problem) const override {
    const Shape s(problem);
    const auto n = static_cast<double>(s.elements());
    const auto coefficients =
        static_cast<double>(s.numerator_rows() * kNumerators + s.groups * kDenominators);
    return {.flops = 19 * n, .bytes_compulsory = 8 * n + 4 * coefficients};
  }

  void fill(const Problem& problem, const Fill& fill, std::uint64_t seed,
            const Operands& o) const override {
    fill_x(Shape(problem), fill, random_bits(seed, kX), o.get<float>(kX));
    fill_coefficients(problem, random_bits(seed, kA), o.get<float>(kA), o.get<float>(kB));
  }

  std::vector<Expected> reference(const Problem& problem, const Operands& o) const override {
    const Shape s(problem);
    const float* x = o.get<float>(kX);
    const std::vector<double> c = coefficients_as_double(s, o.get<float>(kA), o.get<float>(kB));
    Expected y{.index = sampled_elements(s), .tolerance = kTolerance};
    const std::int64_t count =
        y.index.empty() ? s.elements() : static_cast<std::int64_t>(y.index.size());
    y.value.resize(static_cast<std::size_t>(count));
    y.scale.resize(y.value.size());
    for (std::int64_t k = 0; k < count; ++k) {
      const auto slot = static_cast<std::size_t>(k);
      const std::int64_t i = y.index.empty() ? k : y.index[slot];
      const double* a = c.data() + i % s.d / s.group_size * kTerms;
      const Point<double> at(x[i], a, a + kNumerators);
      double terms = 0;  // sum |a_i x^i|: cancellation in P is the inputs', not the kernel's
      double power = 1;
      for (int t = 0; t < kNumerators; ++t, power *= x[i]) terms += std::abs(a[t] * power);
      y.value[slot] = at.p / at.q;
      y.scale[slot] = terms / at.q;
    }
    return {std::move(y)};
  }

  std::vector<Mutant> mutants() const override;
};

// y computed by `f(x, a of its group, |b| of its group)` instead.
template <typename F>
Mutant recomputed(std::string name, F f, std::int64_t group_shift = 0) {
  return {std::move(name), [f, group_shift](const Problem& problem, const Operands& o) {
            const Shape s(problem);
            const std::vector<double> c =
                coefficients_as_double(s, o.get<float>(kA), o.get<float>(kB));
            for (std::int64_t i = 0; i < s.elements(); ++i) {
              const std::int64_t group = (i % s.d / s.group_size + group_shift) % s.groups;
              const double* a = c.data() + group * kTerms;
              o.get<float>(kY)[i] =
                  static_cast<float>(f(double{o.get<float>(kX)[i]}, a, a + kNumerators));
            }
          }};
}

std::vector<Mutant> GrKan::mutants() const {
  const auto p_of = [](double x, const double* a, const double* b) {
    return Point<double>(x, a, b).p;
  };
  return {
      {"all zeros",
       [](const Problem& problem, const Operands& o) {
         std::fill_n(o.get<float>(kY), Shape(problem).elements(), 0.0f);
       }},
      recomputed("signed instead of absolute powers",
                 [p_of](double x, const double* a, const double* b) {
                   const double q = 1 + x * (b[0] + x * (b[1] + x * (b[2] + x * b[3])));
                   return p_of(x, a, b) / q;
                 }),
      recomputed("denominator forgotten", p_of),
      recomputed("highest term dropped",
                 [](double x, const double* a, const double* b) {
                   const Point<double> at(x, a, b);
                   return (at.p - a[5] * x * x * x * x * x) / at.q;
                 }),
      recomputed(
          "one group's coefficients taken for another's",
          [](double x, const double* a, const double* b) {
            const Point<double> at(x, a, b);
            return at.p / at.q;
          },
          1),
      {"last vector of each group left out",
       [](const Problem& problem, const Operands& o) {
         const Shape s(problem);
         for (std::int64_t i = 0; i < s.elements(); ++i) {
           if (i % s.group_size == s.group_size - 1) o.get<float>(kY)[i] = 0;
         }
       }},
  };
}

const Registration gr_kan{std::make_unique<GrKan>()};

}  // namespace
}  // namespace sb::gr_kan
