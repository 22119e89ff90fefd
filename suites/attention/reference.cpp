#include "suites/attention/reference.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace sb::attention {
namespace {

constexpr double kRounding = 0x1p-24;
constexpr double kF32Tolerance = 16 * kRounding;

void read_row(Dtype dtype, const Rows<const void*>& rows, std::int64_t i,
              std::vector<double>& row) {
  const std::int64_t at = i * rows.stride;
  if (dtype == Dtype::kF32) {
    const float* from = static_cast<const float*>(rows.data) + at;
    std::copy(from, from + row.size(), row.begin());
    return;
  }
  for (std::size_t c = 0; c < row.size(); ++c) {
    row[c] = load_as_double(dtype, rows.data, at + static_cast<std::int64_t>(c));
  }
}

}  // namespace

ReferenceRow reference_row(const Head& head, std::int64_t row, std::int64_t keys) {
  const double scale = 1 / std::sqrt(static_cast<double>(head.d));
  const auto columns = static_cast<std::size_t>(head.d);
  std::vector<double> q(columns), key(columns), value(columns);
  read_row(head.dtype, head.q, row, q);
  ReferenceRow answer;
  answer.o.assign(columns, 0);
  answer.magnitude.assign(columns, 0);
  answer.score_magnitude.assign(columns, 0);
  answer.lse = -std::numeric_limits<double>::infinity();
  if (keys == 0) return answer;

  std::vector<double>& weight = answer.weight;
  weight.resize(static_cast<std::size_t>(keys));
  std::vector<double> terms(weight.size());
  double top = -std::numeric_limits<double>::infinity();
  for (std::size_t j = 0; j < weight.size(); ++j) {
    read_row(head.dtype, head.k, static_cast<std::int64_t>(j), key);
    double dot = 0;
    double magnitude = 0;
    for (std::size_t c = 0; c < columns; ++c) {
      const double term = q[c] * key[c];
      dot += term;
      magnitude += std::abs(term);
    }
    weight[j] = scale * dot;
    terms[j] = scale * magnitude;
    top = std::max(top, weight[j]);
  }
  double sum = 0;
  for (double& w : weight) sum += w = std::exp(w - top);
  for (std::size_t j = 0; j < weight.size(); ++j) {
    weight[j] /= sum;
    if (weight[j] == 0) continue;
    answer.largest_score_terms = std::max(answer.largest_score_terms, terms[j]);
    read_row(head.dtype, head.v, static_cast<std::int64_t>(j), value);
    for (std::size_t c = 0; c < columns; ++c) {
      const double share = weight[j] * value[c];
      answer.o[c] += share;
      answer.magnitude[c] += std::abs(share);
      answer.score_magnitude[c] += std::abs(share) * terms[j];
    }
  }
  answer.lse = top + std::log(sum);
  return answer;
}

std::vector<std::int64_t> sampled_rows(std::int64_t rows, double flops_per_row) {
  constexpr double kBudget = 1.5e9;  // about a second and a half of plain double code
  const auto affordable =
      static_cast<std::int64_t>(std::max(8.0, kBudget / std::max(flops_per_row, 1.0)));
  const std::int64_t count = std::min(rows, affordable);
  std::vector<std::int64_t> picked(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) {
    // Even spacing from the first row to the last.
    picked[static_cast<std::size_t>(i)] =
        count == 1
            ? 0
            : static_cast<std::int64_t>(static_cast<double>(i) * static_cast<double>(rows - 1) /
                                        static_cast<double>(count - 1));
  }
  return picked;
}

double output_tolerance(Dtype dtype) {
  return dtype == Dtype::kF32 ? kF32Tolerance : epsilon_of(dtype) + kF32Tolerance;
}

void expect_row(const ReferenceRow& answer, Dtype dtype, std::int64_t row, Expected& expected) {
  const double score_share = kF32Tolerance / output_tolerance(dtype);
  const auto d = static_cast<std::int64_t>(answer.o.size());
  for (std::int64_t c = 0; c < d; ++c) {
    const auto column = static_cast<std::size_t>(c);
    expected.value.push_back(answer.o[column]);
    expected.scale.push_back(answer.magnitude[column] +
                             score_share * answer.score_magnitude[column]);
    expected.index.push_back(row * d + c);
  }
}

}  // namespace sb::attention
