// The masked softmax between the two products of `standard`, on a GPU, by itself: what it is asked,
// what it answers, and the answer by definition.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "core/dtype.h"

namespace sb::attention {

struct MaskedStage {
  int heads, m, n;
  int diagonal;  // row i of a head sees keys [0, i + diagonal)
  Dtype dtype = Dtype::kF32;
  bool lse = true;
  std::vector<float> scores;  // [heads * m][n]
};

struct MaskedAnswer {
  std::vector<double> weights;  // [heads * m][n]
  std::vector<double> lse;      // [heads * m]; empty if not asked for
};

inline MaskedAnswer masked_softmax_by_definition(const MaskedStage& stage) {
  constexpr double kNone = -std::numeric_limits<double>::infinity();
  MaskedAnswer answer{std::vector<double>(stage.scores.size(), 0.0), {}};
  for (int row = 0; row < stage.heads * stage.m; ++row) {
    const int seen = std::clamp(row % stage.m + stage.diagonal, 0, stage.n);
    const float* const scores = stage.scores.data() + std::int64_t{row} * stage.n;
    double* const weights = answer.weights.data() + std::int64_t{row} * stage.n;
    double maximum = kNone, sum = 0;
    for (int c = 0; c < seen; ++c) maximum = std::max<double>(maximum, scores[c]);
    if (maximum != kNone) {
      for (int c = 0; c < seen; ++c) sum += weights[c] = std::exp(scores[c] - maximum);
      for (int c = 0; c < seen; ++c) weights[c] /= sum;
    }
    if (stage.lse) answer.lse.push_back(maximum + std::log(sum));
  }
  return answer;
}

// Empty, or the first number that is off. What a row does not see is nothing but zero. Beside the
// rounding to the storage type: exp in float of differences up to 20.
inline std::string fault_of(const MaskedStage& stage, const MaskedAnswer& answer) {
  const MaskedAnswer expected = masked_softmax_by_definition(stage);
  const double least = stage.dtype == Dtype::kF16 ? 0x1p-24 : 0;  // f16 below 2^-14 is coarser
  const double relative = 4e-6 + (stage.dtype == Dtype::kF32 ? 0 : epsilon_of(stage.dtype) / 2);
  for (std::size_t i = 0; i < expected.weights.size(); ++i) {
    const double want = expected.weights[i], got = answer.weights.at(i);
    const double allowed = want == 0 ? 0 : relative * want + least;
    if (std::abs(got - want) <= allowed) continue;
    return "weight " + std::to_string(i) + " = " + std::to_string(got) + ", expected " +
           std::to_string(want);
  }
  for (std::size_t i = 0; i < expected.lse.size(); ++i) {
    const double want = expected.lse[i], got = answer.lse.at(i);
    if (got == want || std::abs(got - want) <= 1e-6 * (1 + std::abs(want))) continue;
    return "log-sum-exp " + std::to_string(i) + " = " + std::to_string(got) + ", expected " +
           std::to_string(want);
  }
  return "";
}

// Scores that no two rows share, up to 8 in size; in the last row they are all -inf.
inline MaskedStage masked_stage(int heads, int m, int n, int diagonal, Dtype dtype,
                                bool lse = true) {
  MaskedStage stage{heads, m, n, diagonal, dtype, lse, {}};
  const std::int64_t rows = std::int64_t{heads} * m;
  for (std::int64_t i = 0; i < rows * n; ++i) {
    const auto mixed = static_cast<std::uint32_t>(i) * 2654435761u >> 16;
    stage.scores.push_back(i / n + 1 == rows && rows > 1
                               ? -std::numeric_limits<float>::infinity()
                               : static_cast<float>(mixed % 1601) / 100 - 8);
  }
  return stage;
}

// nvcc's PTX of the kernel, interpreted: for ptx_test.cpp.
MaskedAnswer masked_softmax_as_ptx(const MaskedStage& stage, int arch);

}  // namespace sb::attention
