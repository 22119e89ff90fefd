// gr_kan_backward: with g = dL/dF, R = P', S = Q' (which carries sgn(x)),
//   dx     = g (R/Q - S P/Q^2)
//   da_i   = sum over the group's elements of  g x^i / Q                     i = 0 ... 5
//   db_i   = sum over the same of  -g P/Q^2 sgn(b_i) |x|^i                   i = 1 ... 4
#include <algorithm>
#include <cmath>

#include "core/registry.h"
#include "suites/gr_kan/backward_reference.h"

namespace sb::gr_kan {
namespace {

using namespace backward;

constexpr double kUnit = 0x1p-24;  // half an ulp of float

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

  std::vector<Mutant> mutants() const override { return backward_mutants(); }

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

const Registration gr_kan_backward{std::make_unique<GrKanBackward>()};

}  // namespace
}  // namespace sb::gr_kan
