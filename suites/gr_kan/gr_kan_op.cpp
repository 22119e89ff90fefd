#include "suites/gr_kan/gr_kan_op.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace sb::gr_kan {
namespace {

// Rational fits that KAT ships as initial values. `swish` fits x sigmoid(x) on [-3, 3] to 1.2e-6
// with the per-term denominator. (KAT's `gelu` does not: 1.46 off, it needs the outer form.)
struct CoefficientSet {
  std::array<float, kNumerators> a;
  std::array<float, kDenominators> b;
};
constexpr CoefficientSet kSwish = {
    {3.054879741161051e-07f, 0.5000007853744493f, 0.24999783422824703f, 0.05326628273219478f,
     0.005803034571292244f, 0.0002751961022402342f},
    {-4.111554955950634e-06f, 0.10652899335007572f, -1.2690007399796238e-06f,
     0.0005502331264140556f}};
// All b are 0: the case that tells sgn(0) = +1 from autograd's 0.
constexpr CoefficientSet kIdentity = {{0, 1, 0, 0, 0, 0}, {0, 0, 0, 0}};

float random_in(std::uint64_t seed, std::uint64_t index, double lo, double hi) {
  return static_cast<float>(lo + (hi - lo) * random_unit(seed, index));
}

}  // namespace

std::vector<ParamSpec> shape_params() {
  return {
      {.name = "rows", .doc = "rows of x: batch times tokens"},
      {.name = "d", .doc = "channels of a row"},
      {.name = "groups", .doc = "groups of neighbouring channels; divides d", .max = 4096},
      {.name = "numerator",
       .doc = "a row of a per group, or one for all",
       .choices = {"per_group", "shared"},
       .default_value = "per_group"},
      {.name = "coefficients",
       .doc = "swish (KAT's fit), identity (b = 0), random (each group its own)",
       .choices = {"swish", "identity", "random"},
       .default_value = "swish"},
  };
}

std::string why_not_shape(const Problem& problem) {
  const std::int64_t d = problem.params.integer("d");
  const std::int64_t groups = problem.params.integer("groups");
  if (d % groups == 0) return "";
  return "d = " + std::to_string(d) + " is not a multiple of groups = " + std::to_string(groups);
}

std::vector<std::string> hard_fills() { return {"zeros", "large", "one_nan"}; }

void fill_x(const Shape& shape, const Fill& fill, std::uint64_t seed, float* x) {
  const TensorSpec spec{.name = "x", .dims = {shape.rows, shape.d}};
  if (fill.kind != Fill::Kind::kNamed) return fill_tensor(spec, x, fill, seed);
  fill_tensor(spec, x, Fill{}, seed);
  const std::int64_t count = shape.elements();
  if (fill.word == "zeros") {  // both zeros among ordinary values: where sgn decides
    for (std::int64_t i = 0; i < count; i += 3) x[i] = i % 2 == 0 ? 0.0f : -0.0f;
  } else if (fill.word == "large") {  // |x| log-uniform up to 2^20: Q^2 overflows in float
    for (std::int64_t i = 0; i < count; ++i) {
      const auto index = static_cast<std::uint64_t>(i);
      x[i] = std::copysign(std::exp2(random_in(seed, index, -4, 20)), x[i]);
    }
  } else {  // one_nan: poisons its own dx and the sums of its own group, nothing else
    x[count / 2] = std::numeric_limits<float>::quiet_NaN();
  }
}

void fill_coefficients(const Problem& problem, std::uint64_t seed, float* a, float* b) {
  const Shape shape(problem);
  const std::string& set = problem.params.word("coefficients");
  const CoefficientSet& fixed = set == "identity" ? kIdentity : kSwish;
  for (std::int64_t row = 0; row < shape.numerator_rows(); ++row) {
    for (int i = 0; i < kNumerators; ++i) {
      const auto index = static_cast<std::uint64_t>(row * kTerms + i);
      a[row * kNumerators + i] =
          set == "random" ? random_in(seed, index, -1, 1) : fixed.a[static_cast<std::size_t>(i)];
    }
  }
  for (std::int64_t group = 0; group < shape.groups; ++group) {
    for (int i = 0; i < kDenominators; ++i) {
      const auto index = static_cast<std::uint64_t>(group * kTerms + kNumerators + i);
      b[group * kDenominators + i] =
          set == "random" ? random_in(seed, index, -1, 1) : fixed.b[static_cast<std::size_t>(i)];
    }
  }
}

std::vector<double> coefficients_as_double(const Shape& shape, const float* a, const float* b) {
  std::vector<float> gathered(static_cast<std::size_t>(shape.groups * kTerms));
  gather_coefficients(shape, a, b, gathered.data());
  return {gathered.begin(), gathered.end()};
}

std::vector<std::int64_t> sampled_elements(const Shape& shape) {
  const std::int64_t count = shape.elements();
  if (count <= kSampled) return {};
  std::vector<std::int64_t> index;
  const std::int64_t edge = std::min(shape.d, kSampled / 4);
  for (std::int64_t i = 0; i < edge; ++i) index.push_back(i);
  // A step that is odd visits all channels and all positions in a vector.
  const std::int64_t step = ((count - 2 * edge) / (kSampled - 2 * edge) + 1) | 1;
  for (std::int64_t i = edge; i < count - edge; i += step) index.push_back(i);
  for (std::int64_t i = count - edge; i < count; ++i) index.push_back(i);
  return index;
}

}  // namespace sb::gr_kan
