#include "suites/attention/backward_reference.h"

#include <cmath>

namespace sb::attention {
namespace {

void add_scaled(Gradient& to, double factor, double size, const float* row) {
  for (std::size_t c = 0; c < to.value.size(); ++c) {
    to.value[c] += factor * row[c];
    to.scale[c] += size * std::abs(row[c]);
  }
}

Gradient zero(int d) {
  const auto size = static_cast<std::size_t>(d);
  return {std::vector<double>(size), std::vector<double>(size)};
}

}  // namespace

BackwardReference::BackwardReference(const Shape& shape, Dtype dtype, const Operands& operands,
                                     GradientBug bug)
    : shape_(shape), bug_(bug) {
  const std::int64_t padding = shape.row - shape.d;  // not behind the last row
  const std::int64_t queries = shape.b * shape.h * shape.m * shape.row - padding;
  const std::int64_t keys = shape.b * shape.hkv * shape.n * shape.row - padding;
  q_ = input(operands, dtype, backward::kQ, queries);
  k_ = input(operands, dtype, backward::kK, keys);
  v_ = input(operands, dtype, backward::kV, keys);
  d_o_ = input(operands, dtype, backward::kDO, queries);
  lse_ = operands.get<const float>(backward::kLse);
  const float* o = input(operands, dtype, backward::kO, queries);
  const auto rows = static_cast<std::size_t>(shape.b * shape.h * shape.m);
  delta_.resize(rows);
  delta_size_.resize(rows);
  for (std::int64_t head = 0; head < shape.b * shape.h; ++head) {
    for (std::int64_t i = 0; i < shape.m; ++i) {
      const std::int64_t at =
          shape.query_head(head / shape.h, head % shape.h) + i * shape.query_stride();
      const auto row = static_cast<std::size_t>(head * shape.m + i);
      for (int c = 0; c < shape.d; ++c) {
        const double term = double{o[at + c]} * d_o_[at + c];
        delta_[row] += term;
        delta_size_[row] += std::abs(term);
      }
    }
  }
}

// Every float of an input of `count` elements; a 16-bit number is a float exactly.
const float* BackwardReference::input(const Operands& operands, Dtype dtype, int place,
                                      std::int64_t count) {
  if (dtype == Dtype::kF32) return operands.get<const float>(place);
  std::vector<float>& copy = widened_.emplace_back(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < copy.size(); ++i) {
    copy[i] = static_cast<float>(
        load_as_double(dtype, operands.get<const void>(place), static_cast<std::int64_t>(i)));
  }
  return copy.data();
}

BackwardReference::View BackwardReference::view(std::int64_t batch, std::int64_t head) const {
  const std::int64_t q = shape_.query_head(batch, head);
  const std::int64_t k = shape_.key_head(batch, head / shape_.group());
  const std::int64_t index = batch * shape_.h + head;
  return {q_ + q, k_ + k, v_ + k, d_o_ + q, lse_ + index * shape_.m, index};
}

BackwardReference::Pair BackwardReference::pair(const View& v, std::int64_t row,
                                                std::int64_t key) const {
  const bool seen = key < visible_keys(row, shape_.diagonal(), shape_.n);
  double lse = v.lse[row];
  if (bug_ == GradientBug::kStaleLse && row > 0) lse = v.lse[row - 1];
  if ((!seen && bug_ != GradientBug::kNoMask) || lse == -INFINITY) return {};
  if (bug_ == GradientBug::kLastKeysSkipped && key >= (shape_.n - 1) / 64 * 64) return {};
  const float* q = v.q + row * shape_.query_stride();
  const float* k = v.k + key * shape_.key_stride();
  const float* d_o = v.d_o + row * shape_.query_stride();
  const float* value = v.v + key * shape_.key_stride();
  double score = 0, score_size = 0, dp = 0, dp_size = 0;
  for (int c = 0; c < shape_.d; ++c) {
    score += double{q[c]} * k[c];
    score_size += std::abs(double{q[c]} * k[c]);
    dp += double{d_o[c]} * value[c];
    dp_size += std::abs(double{d_o[c]} * value[c]);
  }
  const auto index = static_cast<std::size_t>(v.head * shape_.m + row);
  const double delta = bug_ == GradientBug::kNoDelta ? 0 : delta_[index];
  Pair pair;
  pair.p = std::exp(shape_.scale() * score - lse);
  pair.ds = pair.p * (dp - delta);
  pair.p_size = pair.p * (1 + shape_.scale() * score_size + std::abs(lse));
  pair.ds_size = pair.p_size * (dp_size + delta_size_[index]);
  return pair;
}

Gradient BackwardReference::dq(std::int64_t batch, std::int64_t head, std::int64_t row) const {
  Gradient gradient = zero(shape_.d);
  const View v = view(batch, head);
  const double scale = bug_ == GradientBug::kUnscaledQueries ? 1 : shape_.scale();
  for (std::int64_t j = 0; j < shape_.n; ++j) {
    const Pair each = pair(v, row, j);
    add_scaled(gradient, scale * each.ds, shape_.scale() * each.ds_size,
               v.k + j * shape_.key_stride());
  }
  return gradient;
}

void BackwardReference::dk_dv(std::int64_t batch, std::int64_t key_head, std::int64_t key,
                              Gradient& dk, Gradient& dv) const {
  dk = zero(shape_.d);
  dv = zero(shape_.d);
  const std::int64_t first = bug_ == GradientBug::kLastHeadOfGroupOnly ? shape_.group() - 1 : 0;
  for (std::int64_t g = first; g < shape_.group(); ++g) {
    const View v = view(batch, key_head * shape_.group() + g);
    for (std::int64_t i = 0; i < shape_.m; ++i) {
      const Pair each = pair(v, i, key);
      const std::int64_t at = i * shape_.query_stride();
      add_scaled(dv, each.p, each.p_size, v.d_o + at);
      add_scaled(dk, shape_.scale() * each.ds, shape_.scale() * each.ds_size, v.q + at);
    }
  }
}

}  // namespace sb::attention
