#include "suites/softmax/row_op.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/dtype.h"

namespace sb::softmax {
namespace {

float hard_value(const std::string& word, std::int64_t c, std::int64_t cols, std::uint64_t seed) {
  const auto noise = static_cast<float>(random_normal(seed, static_cast<std::uint64_t>(c)));
  const float position =
      static_cast<float>(c) / static_cast<float>(std::max<std::int64_t>(cols, 1));
  const bool middle = c == cols / 2;
  const float infinity = std::numeric_limits<float>::infinity();
  const float most = std::numeric_limits<float>::max();
  if (word == "ascending") return 40 * position + 0.01f * noise;
  if (word == "steep") return 10000 * position + noise;
  if (word == "descending") return -40 * position + 0.01f * noise;
  if (word == "one_dominant") return middle ? 60.0f : noise;
  if (word == "half_masked") return c % 2 == 0 ? -infinity : noise;
  if (word == "masked_start") return position < 0.9f ? -infinity : noise;
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

RowTruth truth_of(Dtype dtype, const void* x, std::int64_t offset, std::int64_t n) {
  RowTruth row{.maximum = -std::numeric_limits<double>::infinity()};
  for (std::int64_t i = 0; i < n; ++i) {
    const double value = load_as_double(dtype, x, offset + i);
    row.maximum = std::max(row.maximum, value);
    row.poisoned = row.poisoned || std::isnan(value);
  }
  row.poisoned = row.poisoned || std::isinf(row.maximum);  // 0/0 either way
  double compensation = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    const double term = std::exp(load_as_double(dtype, x, offset + i) - row.maximum) - compensation;
    const double next = row.sum + term;
    compensation = (next - row.sum) - term;
    row.sum = next;
  }
  return row;
}

// y = f(r, c, y) for every element.
template <class F>
void change_all(const Problem& p, const Operands& o, const F& f) {
  const Shape s(p);
  void* y = o.get<void>(kY);
  for (std::int64_t r = 0; r < s.rows; ++r) {
    for (std::int64_t c = 0; c < s.cols; ++c) {
      const std::int64_t i = r * s.stride + c;
      store_from_double(p.dtype, y, i, f(r, c, load_as_double(p.dtype, y, i)));
    }
  }
}

void swap_rows(const Problem& p, const Operands& o) {
  const Shape s(p);
  if (s.rows < 2) return;
  const auto size = static_cast<std::int64_t>(size_of(p.dtype));
  char* y = o.get<char>(kY);
  std::swap_ranges(y, y + s.cols * size, y + (s.rows - 1) * s.stride * size);
}

void skip_last_tile(const Problem& p, const Operands& o) {
  const Shape s(p);
  change_all(p, o, [&](std::int64_t r, std::int64_t c, double y) {
    return r == s.rows - 1 && c >= s.cols - 16 ? 0 : y;
  });
}

}  // namespace

std::vector<ParamSpec> RowOp::params() const {
  return {{.name = "rows", .doc = "independent rows", .min = 0},
          {.name = "cols", .doc = "elements of a row", .min = 0},
          {.name = "stride",
           .doc = "elements from row to row; 0 means cols",
           .min = 0,
           .default_value = "0"}};
}

std::string RowOp::why_not(const Problem& problem) const {
  const Shape s(problem);
  return s.stride < s.cols ? "stride is smaller than cols" : "";
}

std::vector<TensorSpec> RowOp::tensors(const Problem& problem) const {
  const Shape s(problem);
  const std::int64_t stride = s.stride == s.cols ? 0 : s.stride;
  return {{"x", problem.dtype, {s.rows, s.cols}, Role::kInput, stride},
          {"y", problem.dtype, {s.rows, s.cols}, Role::kOutput, stride}};
}

std::vector<std::string> RowOp::fills() const {
  return {"ascending", "steep",     "descending", "one_dominant", "half_masked",
          "around_88", "huge",      "all_masked", "masked_start", "one_nan",
          "one_inf",   "float_max", "very_low",   "mask_mixture"};
}

void RowOp::fill(const Problem& problem, const Fill& fill, std::uint64_t seed,
                 const Operands& operands) const {
  if (fill.kind != Fill::Kind::kNamed) return Operation::fill(problem, fill, seed, operands);
  const Shape s(problem);
  for (std::int64_t r = 0; r < s.rows; ++r) {
    for (std::int64_t c = 0; c < s.cols; ++c) {
      store_from_double(problem.dtype, operands.get<void>(kX), r * s.stride + c,
                        hard_value(fill.word, c, s.cols, seed));
    }
  }
}

std::vector<Expected> RowOp::reference(const Problem& problem, const Operands& operands) const {
  const Shape s(problem);
  const Tolerance allowed = tolerance(problem);
  std::vector<Expected> answer(1);
  Expected& expected = answer[0];
  expected.value.resize(static_cast<std::size_t>(s.rows * s.cols));
  expected.scale.resize(expected.value.size());
  expected.tolerance = allowed.all();
#pragma omp parallel for schedule(dynamic) if (s.rows > 1)
  for (std::int64_t r = 0; r < s.rows; ++r) {
    const void* x = operands.get<const void>(kX);
    const RowTruth row = truth_of(problem.dtype, x, r * s.stride, s.cols);
    for (std::int64_t c = 0; c < s.cols; ++c) {
      const double at = load_as_double(problem.dtype, x, r * s.stride + c);
      const auto i = static_cast<std::size_t>(r * s.cols + c);
      const Element e =
          row.poisoned ? Element{std::nan(""), 0} : element(at, row, problem.dtype, allowed);
      expected.value[i] = e.value;
      expected.scale[i] = e.scale;
    }
  }
  return answer;
}

std::vector<Mutant> RowOp::mutants() const {
  using Index = std::int64_t;
  return {
      {"zeros",
       [](const Problem& p, const Operands& o) {
         change_all(p, o, [](Index, Index, double) { return 0.0; });
       }},
      {"uniform",
       [](const Problem& p, const Operands& o) {
         const double share = 1 / static_cast<double>(std::max<Index>(1, Shape(p).cols));
         change_all(p, o, [share](Index, Index, double) { return share; });
       }},
      {"not normalised",
       [](const Problem& p, const Operands& o) {
         const double factor = 1 + 1e-4 + 2 * (p.dtype == Dtype::kF32 ? 0 : epsilon_of(p.dtype));
         change_all(p, o, [factor](Index, Index, double y) { return y * factor; });
       }},
      {"dropped max-subtraction",
       [this](const Problem& p, const Operands& o) {
         const Shape s(p);
         const void* x = o.get<const void>(kX);
         std::vector<float> sums(static_cast<std::size_t>(s.rows));
         const auto at = [&](Index r, Index c) {
           return static_cast<float>(load_as_double(p.dtype, x, r * s.stride + c));
         };
         for (Index r = 0; r < s.rows; ++r) {
           for (Index c = 0; c < s.cols; ++c) {
             sums[static_cast<std::size_t>(r)] += std::exp(at(r, c));
           }
         }
         change_all(p, o, [&](Index r, Index c, double) {
           return static_cast<double>(naive(at(r, c), sums[static_cast<std::size_t>(r)]));
         });
       }},
      {"first and last row swapped", swap_rows},
      {"last tile skipped", skip_last_tile},
  };
}

}  // namespace sb::softmax
