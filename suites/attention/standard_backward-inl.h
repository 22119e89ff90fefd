// Included inside a region.

// One row of P = exp(S - L) over S, and of dS = P (dP - delta) over dP; zeros beyond `seen`.
inline void differentiate_row(float* s, float* dp, std::int64_t seen, std::int64_t n, float lse,
                              float delta) {
  if (lse == -INFINITY) seen = 0;
  const Wide subtract = broadcast<Wide>(lse);
  const Wide mean = broadcast<Wide>(delta);
  std::int64_t j = 0;
  for (; j + kLanes<Wide> <= seen; j += kLanes<Wide>) {
    const Wide p = exp2(sub(load<Wide>(s + j), subtract));
    store(s + j, p);
    store(dp + j, mul(p, sub(load<Wide>(dp + j), mean)));
  }
  for (; j < seen; ++j) {
    s[j] = exp2(s[j] - lse);
    dp[j] = s[j] * (dp[j] - delta);
  }
  std::fill(s + seen, s + n, 0.0f);
  std::fill(dp + seen, dp + n, 0.0f);
}
