// The right answer in double, row by row: two passes over the keys, as the definition says.
#pragma once

#include <cstdint>
#include <vector>

#include "core/operation.h"
#include "suites/attention/attention_op.h"

namespace sb::attention {

// One query row against the first `keys` keys of its head.
struct ReferenceRow {
  std::vector<double> weight;  // softmax, one per visible key
  std::vector<double> o;
  double lse = 0;  // natural logarithm; -inf without a visible key

  // What the roundings of an honest kernel scale with: sum of weight * |v| per column; the same
  // with each key's share multiplied by scale * sum |q||k|, since a score's own rounding grows
  // with its terms; and the largest such sum.
  std::vector<double> magnitude, score_magnitude;
  double largest_score_terms = 0;
};

ReferenceRow reference_row(const Head& head, std::int64_t row, std::int64_t keys);

// Sampled rows of a tensor of `rows` rows when one row costs `flops_per_row`: all of them if that
// takes no more than a second or two, else first, last and a spread of others, ascending.
std::vector<std::int64_t> sampled_rows(std::int64_t rows, double flops_per_row);

// f32: a few roundings per unit of magnitude; 16-bit formats: their own rounding of weights and
// outputs.
double output_tolerance(Dtype dtype);

// Appends a row of O to an Expected whose index holds elements of (rows, d).
void expect_row(const ReferenceRow& answer, Dtype dtype, std::int64_t row, Expected& expected);

}  // namespace sb::attention
