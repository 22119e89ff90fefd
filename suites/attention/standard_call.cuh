// Standard attention on a GPU: all scores and weights in memory, somebody else's matrix products.
// Scores are kept in float: in 16 bits their rounding alone would be off by more than the operation
// allows.
#pragma once

#include <memory>

#include "backend/device_variant.cuh"
#include "suites/attention/attention_op.h"
#include "suites/attention/masked_stage.h"
#include "suites/attention/standard_device.cuh"

namespace sb::attention {
namespace {

template <typename T>
inline constexpr Dtype kStored = Dtype::kF32;
template <>
inline constexpr Dtype kStored<Bf16> = Dtype::kBf16;
template <>
inline constexpr Dtype kStored<F16> = Dtype::kF16;

// A stack of matrices, as BLAS sees them: columns `column` elements apart.
struct Matrices {
  const void* data;
  Dtype type;
  std::int64_t column, next;
};

// Blas: multiply(transposed, rows, columns, inner, factor, a, b, to, count) computes
// to = factor op(a) b, `count` times, summed in float.
template <typename T, typename Blas, MaskedBug kBug>
class StandardAttention {
 public:
  explicit StandardAttention(const Problem& problem)
      : s_(problem),
        lse_(problem.params.flag("lse")),
        scores_(pairs() * sizeof(float)),
        weights_(pairs() * sizeof(T)) {}

  void run(const Operands& o) const {
    for_key_heads([&](std::int64_t batch, std::int64_t head, std::int64_t heads, bool shared) {
      const std::int64_t next = shared ? 0 : s_.key_head(0, 1);
      blas_.multiply(true, s_.n, s_.m, s_.d, static_cast<float>(s_.scale()),
                     keys(o, forward::kK, batch, head, next), queries(o, forward::kQ, batch, head),
                     of_pairs(scores_.template as<float>(), batch, head), heads);
    });
    launch({.x = static_cast<unsigned>(s_.b * s_.h * s_.m), .threads = kMaskedThreads},
           masked_softmax<T, kBug>,
           MaskedRows{scores_.template as<float>(), weights_.data(),
                      lse_ ? o.get<float>(forward::kLse) : nullptr, static_cast<int>(s_.m),
                      static_cast<int>(s_.n), static_cast<int>(s_.diagonal())});
    for_key_heads([&](std::int64_t batch, std::int64_t head, std::int64_t heads, bool shared) {
      const std::int64_t next = shared ? 0 : s_.key_head(0, 1);
      blas_.multiply(false, s_.d, s_.m, s_.n, 1, keys(o, forward::kV, batch, head, next),
                     of_pairs(weights_.template as<T>(), batch, head),
                     queries(o, forward::kO, batch, head), heads);
    });
  }

 private:
  std::size_t pairs() const { return static_cast<std::size_t>(s_.b * s_.h * s_.m * s_.n); }

  // Query heads that one call of BLAS does: those of a sequence, or those that share a key head.
  template <typename Visit>
  void for_key_heads(const Visit& visit) const {
    const std::int64_t heads = s_.group() == 1 ? s_.h : s_.group();
    for (std::int64_t batch = 0; batch < s_.b; ++batch) {
      for (std::int64_t head = 0; head < s_.h; head += heads) {
        visit(batch, head, heads, s_.group() != 1);
      }
    }
  }

  Matrices queries(const Operands& o, int place, std::int64_t batch, std::int64_t head) const {
    return {o.get<T>(place) + s_.query_head(batch, head), kStored<T>, s_.query_stride(),
            s_.query_head(0, 1)};
  }
  Matrices keys(const Operands& o, int place, std::int64_t batch, std::int64_t head,
                std::int64_t next) const {
    return {o.get<T>(place) + s_.key_head(batch, head / s_.group()), kStored<T>, s_.key_stride(),
            next};
  }
  template <typename Item>
  Matrices of_pairs(Item* all, std::int64_t batch, std::int64_t head) const {
    return {all + (batch * s_.h + head) * s_.m * s_.n, kStored<Item>, s_.n, s_.m * s_.n};
  }

  Shape s_;
  bool lse_;
  Blas blas_;
  DeviceArray scores_, weights_;
};

template <typename T, typename Blas, MaskedBug kBug = MaskedBug::kNone>
DeviceRun standard_of_type(const Problem& problem) {
  const auto attention = std::make_shared<StandardAttention<T, Blas, kBug>>(problem);
  return [attention](const Operands& o) { attention->run(o); };
}

// The stage between the products by itself.
template <typename T, MaskedBug kBug>
MaskedAnswer masked_softmax_of_type(const MaskedStage& stage) {
  const auto rows = static_cast<std::size_t>(stage.heads * stage.m);
  const auto scores = on_device(stage.scores);
  const DeviceArray weights(stage.scores.size() * sizeof(T)), lse(rows * sizeof(float));
  launch(
      {.x = static_cast<unsigned>(rows), .threads = kMaskedThreads}, masked_softmax<T, kBug>,
      MaskedRows{scores->template as<float>(), weights.data(),
                 stage.lse ? lse.template as<float>() : nullptr, stage.m, stage.n, stage.diagonal});
  std::vector<T> stored(stage.scores.size());
  std::vector<float> sums(stage.lse ? rows : 0);
  copy_bytes(stored.data(), weights.data(), weights.size());
  copy_bytes(sums.data(), lse.data(), sums.size() * sizeof(float));
  MaskedAnswer answer{{}, {sums.begin(), sums.end()}};
  for (std::size_t i = 0; i < stored.size(); ++i) {
    answer.weights.push_back(
        load_as_double(stage.dtype, stored.data(), static_cast<std::int64_t>(i)));
  }
  return answer;
}

template <MaskedBug kBug = MaskedBug::kNone>
MaskedAnswer run_masked_softmax(const MaskedStage& stage) {
  if (stage.dtype == Dtype::kBf16) return masked_softmax_of_type<Bf16, kBug>(stage);
  if (stage.dtype == Dtype::kF16) return masked_softmax_of_type<F16, kBug>(stage);
  return masked_softmax_of_type<float, kBug>(stage);
}

template <typename Blas>
DeviceRun standard_run(const Problem& problem) {
  if (problem.dtype == Dtype::kBf16) return standard_of_type<Bf16, Blas>(problem);
  if (problem.dtype == Dtype::kF16) return standard_of_type<F16, Blas>(problem);
  return standard_of_type<float, Blas>(problem);
}

}  // namespace
}  // namespace sb::attention
