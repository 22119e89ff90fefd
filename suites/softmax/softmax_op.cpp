#include "suites/softmax/softmax_op.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/registry.h"

namespace sb::softmax {
namespace {

constexpr double kSmallestNormal = 0x1p-126;  // results below it may be flushed to zero
const double kInfinity = std::numeric_limits<double>::infinity();

class SoftmaxOp final : public Operation {
 public:
  std::string_view name() const override { return "softmax"; }
  std::string_view formula() const override { return "y = exp(x - max x) / sum exp(x - max x)"; }

  std::vector<ParamSpec> params() const override {
    return {{.name = "rows", .doc = "independent rows", .min = 0},
            {.name = "cols", .doc = "elements of a row", .min = 0},
            {.name = "stride",
             .doc = "elements from row to row; 0 means cols",
             .min = 0,
             .default_value = "0"}};
  }
  std::vector<Dtype> dtypes() const override { return {Dtype::kF32}; }

  std::string why_not(const Problem& problem) const override {
    const Shape s(problem);
    return s.stride < s.cols ? "stride is smaller than cols" : "";
  }

  std::vector<TensorSpec> tensors(const Problem& problem) const override {
    const Shape s(problem);
    const std::int64_t stride = s.stride == s.cols ? 0 : s.stride;
    return {{"x", problem.dtype, {s.rows, s.cols}, Role::kInput, stride},
            {"y", problem.dtype, {s.rows, s.cols}, Role::kOutput, stride}};
  }

  // Spec section 2.2: subtract, exponential of 16 + 1 operations, add, multiply.
  Cost cost(const Problem& problem) const override {
    const Shape s(problem);
    const double n = static_cast<double>(s.rows) * static_cast<double>(s.cols);
    return {.flops = 21 * n, .bytes_compulsory = 8 * n};
  }

  std::vector<std::string> fills() const override {
    return {"ascending",  "descending", "one_dominant", "half_masked", "around_88", "huge",
            "all_masked", "one_nan",    "one_inf",      "float_max",   "very_low",  "mask_mixture"};
  }
  Fill default_fill() const override { return {.kind = Fill::Kind::kNormal, .a = 0, .b = 4}; }

  void fill(const Problem& problem, const Fill& fill, std::uint64_t seed,
            const Operands& operands) const override {
    if (fill.kind != Fill::Kind::kNamed) return Operation::fill(problem, fill, seed, operands);
    const Shape s(problem);
    for (std::int64_t r = 0; r < s.rows; ++r) {
      float* x = operands.get<float>(kX) + r * s.stride;
      for (std::int64_t c = 0; c < s.cols; ++c) x[c] = hard_value(fill.word, c, s.cols, seed);
    }
  }

  std::vector<Expected> reference(const Problem& problem, const Operands& operands) const override {
    const Shape s(problem);
    Expected expected;
    expected.value.resize(static_cast<std::size_t>(s.rows * s.cols));
    expected.scale.resize(expected.value.size());
    expected.tolerance = tolerance_of(problem);
#pragma omp parallel for schedule(dynamic) if (s.rows > 1)
    for (std::int64_t r = 0; r < s.rows; ++r) {
      reference_row(operands.get<float>(kX) + r * s.stride, s.cols,
                    expected.value.data() + r * s.cols, expected.scale.data() + r * s.cols,
                    expected.tolerance);
    }
    return {expected};
  }

  std::vector<Mutant> mutants() const override {
    return {
        {"zeros", [](const Problem& p, const Operands& o) { set_all(p, o, 0); }},
        {"uniform",
         [](const Problem& p, const Operands& o) {
           set_all(p, o, 1 / static_cast<float>(std::max<std::int64_t>(1, Shape(p).cols)));
         }},
        {"not normalised", [](const Problem& p, const Operands& o) { scale_all(p, o, 1.0001f); }},
        {"dropped max-subtraction", naive_without_maximum},
        {"first and last row swapped", swap_rows},
        {"last tile skipped", skip_last_tile},
    };
  }

 private:
  static float hard_value(const std::string& word, std::int64_t c, std::int64_t cols,
                          std::uint64_t seed) {
    const auto noise = static_cast<float>(random_normal(seed, static_cast<std::uint64_t>(c)));
    const float position =
        static_cast<float>(c) / static_cast<float>(std::max<std::int64_t>(cols, 1));
    const bool middle = c == cols / 2;
    const float infinity = std::numeric_limits<float>::infinity();
    const float most = std::numeric_limits<float>::max();
    if (word == "ascending") return 40 * position + 0.01f * noise;
    if (word == "descending") return -40 * position + 0.01f * noise;
    if (word == "one_dominant") return middle ? 60.0f : noise;
    if (word == "half_masked") return c % 2 == 0 ? -infinity : noise;
    if (word == "around_88") return (c % 2 == 0 ? 88.5f : -88.5f) + noise;
    if (word == "huge") return (c % 3 == 0 ? 3e8f : -3e8f) + noise;
    if (word == "all_masked") return -infinity;
    if (word == "one_nan") return middle ? std::nanf("") : noise;
    if (word == "one_inf") return middle ? infinity : noise;
    if (word == "float_max") return most;
    if (word == "very_low") return -most;
    constexpr float kMasks[] = {-1e4f, -1e9f, -3.1e15f, -1e30f, -2.36e38f, -3.4e38f};
    return c % 7 == 6 || middle ? noise : kMasks[c % 7];  // mask_mixture
  }

  static void reference_row(const float* x, std::int64_t n, double* value, double* scale,
                            double tolerance) {
    double maximum = -kInfinity;
    bool poisoned = false;
    for (std::int64_t i = 0; i < n; ++i) {
      maximum = std::max(maximum, static_cast<double>(x[i]));
      poisoned = poisoned || std::isnan(x[i]);
    }
    poisoned = poisoned || std::isinf(maximum);  // all -inf, or one +inf: 0/0 either way
    double sum = 0;
    double compensation = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      const double term = std::exp(x[i] - maximum) - compensation;
      const double next = sum + term;
      compensation = (next - sum) - term;
      sum = next;
    }
    for (std::int64_t i = 0; i < n; ++i) {
      const double distance = maximum - x[i];
      value[i] = poisoned ? std::nan("") : std::exp(-distance) / sum;
      // x - m rounds to |x - m| 2^-24, which the exponential turns into relative error.
      scale[i] = value[i] * (1 + std::min(distance, 200.0) / 24) + kSmallestNormal / tolerance;
      if (std::isinf(distance)) scale[i] = 0;  // masked: exactly zero
    }
  }

  static void set_all(const Problem& p, const Operands& o, float value) {
    const Shape s(p);
    for (std::int64_t r = 0; r < s.rows; ++r) {
      std::fill_n(o.get<float>(kY) + r * s.stride, s.cols, value);
    }
  }
  static void scale_all(const Problem& p, const Operands& o, float factor) {
    const Shape s(p);
    for (std::int64_t r = 0; r < s.rows; ++r) {
      float* y = o.get<float>(kY) + r * s.stride;
      for (std::int64_t c = 0; c < s.cols; ++c) y[c] *= factor;
    }
  }
  static void naive_without_maximum(const Problem& p, const Operands& o) {
    const Shape s(p);
    for (std::int64_t r = 0; r < s.rows; ++r) {
      const float* x = o.get<float>(kX) + r * s.stride;
      float* y = o.get<float>(kY) + r * s.stride;
      float sum = 0;
      for (std::int64_t c = 0; c < s.cols; ++c) sum += y[c] = std::exp(x[c]);
      for (std::int64_t c = 0; c < s.cols; ++c) y[c] /= sum;
    }
  }
  static void swap_rows(const Problem& p, const Operands& o) {
    const Shape s(p);
    float* y = o.get<float>(kY);
    if (s.rows > 1) std::swap_ranges(y, y + s.cols, y + (s.rows - 1) * s.stride);
  }
  static void skip_last_tile(const Problem& p, const Operands& o) {
    const Shape s(p);
    float* y = o.get<float>(kY) + (s.rows - 1) * s.stride;
    for (std::int64_t c = std::max<std::int64_t>(0, s.cols - 16); c < s.cols; ++c) y[c] = 0;
  }
};

const Registration softmax_op{std::make_unique<SoftmaxOp>()};

}  // namespace

Shape::Shape(const Problem& problem)
    : rows(problem.params.integer("rows")),
      cols(problem.params.integer("cols")),
      stride(problem.params.integer("stride")) {
  if (stride == 0) stride = cols;
}

double tolerance_of(const Problem& problem) {
  return kBlockedTolerance + 0x1p-24 * static_cast<double>(Shape(problem).cols) / (8 * 8);
}

double bytes_moved(const Problem& problem, double passes) {
  const Shape s(problem);
  return static_cast<double>(size_of(problem.dtype)) * passes * static_cast<double>(s.rows) *
         static_cast<double>(s.cols);
}

}  // namespace sb::softmax
