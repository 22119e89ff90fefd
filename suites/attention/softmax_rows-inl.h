// Softmax of one row of a materialised score matrix. Included inside a region.

// Every full register of `row`, then its rest as single floats.
template <class F, class G>
SB_INLINE void each_register(std::int64_t count, F&& wide, G&& single) {
  std::int64_t j = 0;
  for (; j + kLanes<Wide> <= count; j += kLanes<Wide>) wide(j);
  for (; j < count; ++j) single(j);
}

// weights = softmax(scores) over the first `seen` keys and 0 for the rest; `weights` may be
// `scores`. Scores already hold the factor log2(e). Returns the natural log-sum-exp.
inline float softmax_row(const float* scores, float* weights, std::int64_t seen, std::int64_t n) {
  Wide tops = broadcast<Wide>(-INFINITY);
  float top = -INFINITY;
  each_register(
      seen, [&](std::int64_t j) { tops = max(tops, load<Wide>(scores + j)); },
      [&](std::int64_t j) { top = max(top, scores[j]); });
  if (seen >= kLanes<Wide>) top = max(top, max_of(tops));
  if (top == -INFINITY) top = 0;  // no visible key: never (-inf) - (-inf)

  Wide sums = broadcast<Wide>(0.0f);
  float sum = 0;
  const Wide subtract = broadcast<Wide>(top);
  each_register(
      seen,
      [&](std::int64_t j) {
        const Wide w = exp2(sub(load<Wide>(scores + j), subtract));
        sums = add(sums, w);
        store(weights + j, w);
      },
      [&](std::int64_t j) { sum += weights[j] = exp2(scores[j] - top); });
  sum += sum_of(sums);

  const float factor = sum == 0 ? 0 : 1 / sum;
  const Wide factors = broadcast<Wide>(factor);
  each_register(
      seen, [&](std::int64_t j) { store(weights + j, mul(factors, load<Wide>(weights + j))); },
      [&](std::int64_t j) { weights[j] *= factor; });
  std::fill(weights + seen, weights + n, 0.0f);
  return log_sum_exp(top, sum);
}

// The additive mask of the textbook form: -inf beyond the first `seen` keys, a pass over the row.
inline void mask_row(float* scores, std::int64_t seen, std::int64_t n) {
  const Wide lowest = broadcast<Wide>(-INFINITY);
  const Wide nothing = broadcast<Wide>(0.0f);
  const auto add_mask = [&](std::int64_t j, Wide mask) {
    store(scores + j, add(load<Wide>(scores + j), mask));
  };
  std::int64_t j = 0;
  for (; j + kLanes<Wide> <= n; j += kLanes<Wide>) {
    if (j + kLanes<Wide> <= seen) {
      add_mask(j, nothing);
    } else if (j >= seen) {
      add_mask(j, lowest);
    } else {
      for (std::int64_t k = std::max(j, seen); k < j + kLanes<Wide>; ++k) scores[k] = -INFINITY;
    }
  }
  for (j = std::max(j, seen); j < n; ++j) scores[j] = -INFINITY;
}
