// A few query rows (the heads of a group) against a range of keys: lanes run over the head size,
// because a panel of few rows would leave most lanes idle, and every key and value is read once for
// all rows. Same rules as a panel: scores in the log2 domain, a maximum that is an integer, blocks
// summed on their own. Scores of R rows lie as [key][R], so that a register holds all rows of some
// keys, and lane l always belongs to row l % R. Included inside a region.

// Lane i of the result is the sum of the lanes of v[i]: halves, quarters and so on change places in
// pairs, which takes half of the shuffles of a transpose.
#if SB_ISA_SIMD == 16
SB_INLINE Wide sum_halves(Wide a, Wide b) {
  return add(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xee));
}
SB_INLINE Wide sum_quarters(Wide a, Wide b) {
  return add(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xdd));
}
SB_INLINE Wide sum_each(const Wide (&v)[16]) {
  Wide rows[4];
  SB_UNROLL
  for (int i = 0; i < 4; ++i) {
    rows[i] = sum_quarters(sum_halves(v[i], v[i + 4]), sum_halves(v[i + 8], v[i + 12]));
  }
  const Wide even = add(low_pairs(rows[0], rows[1]), high_pairs(rows[0], rows[1]));
  const Wide odd = add(low_pairs(rows[2], rows[3]), high_pairs(rows[2], rows[3]));
  return add(_mm512_shuffle_ps(even, odd, 0x88), _mm512_shuffle_ps(even, odd, 0xdd));
}
#elif SB_ISA_SIMD == 8
SB_INLINE Wide sum_halves(Wide a, Wide b) {
  return add(_mm256_permute2f128_ps(a, b, 0x20), _mm256_permute2f128_ps(a, b, 0x31));
}
SB_INLINE Wide sum_each(const Wide (&v)[8]) {
  Wide rows[4];
  SB_UNROLL
  for (int i = 0; i < 4; ++i) rows[i] = sum_halves(v[i], v[i + 4]);
  const Wide even = add(low_pairs(rows[0], rows[1]), high_pairs(rows[0], rows[1]));
  const Wide odd = add(low_pairs(rows[2], rows[3]), high_pairs(rows[2], rows[3]));
  return add(_mm256_shuffle_ps(even, odd, 0x88), _mm256_shuffle_ps(even, odd, 0xdd));
}
#else
SB_INLINE Wide sum_each(const Wide (&v)[1]) { return v[0]; }
#endif

template <class T>
struct KeyRows {
  const T* data;
  std::int64_t stride;
  int count;
  // Past the last key the last one again: what comes of it is overwritten.
  const T* row(int j) const { return data + std::min(j, count - 1) * stride; }
};

// acc[j][r] += one register of columns, from `c` on, of K keys times R rows.
template <int R, int K, bool kPart, class T>
SB_INLINE void multiply_rows(const float* q, std::int64_t q_stride, const T* const (&key)[K], int c,
                             int left, Wide* acc) {
  Wide k[K];
  SB_UNROLL
  for (int j = 0; j < K; ++j) {
    k[j] = kPart ? load_stored_part(key[j] + c, left) : load_stored(key[j] + c);
  }
  SB_UNROLL
  for (int r = 0; r < R; ++r) {
    const Wide query = load<Wide>(q + r * q_stride + c);
    SB_UNROLL
    for (int j = 0; j < K; ++j) acc[j * R + r] = fma(query, k[j], acc[j * R + r]);
  }
}

// Scores of R rows with as many keys as fill a register, from key `first` on.
template <int R, class T>
SB_INLINE void score_rows(const float* q, const KeyRows<T>& keys, const KeyRows<T>& values,
                          int first, int d, float* s) {
  constexpr int kW = kLanes<Wide>;
  constexpr int kKeys = kW / R;
  constexpr int kAtOnce = R == 1 ? std::min(4, kKeys) : kKeys;  // more streams lose the prefetcher
  const std::int64_t q_stride = Arena::padded(d);
  Wide acc[kW];
  SB_UNROLL
  for (int i = 0; i < kW; ++i) acc[i] = broadcast<Wide>(0.0f);
  SB_UNROLL
  for (int j0 = 0; j0 < kKeys; j0 += kAtOnce) {
    const T* key[kAtOnce];
    SB_UNROLL
    for (int j = 0; j < kAtOnce; ++j) key[j] = keys.row(first + j0 + j);
    int c = 0;
    for (; c + kW <= d; c += kW) {
      multiply_rows<R, kAtOnce, false>(q, q_stride, key, c, kW, acc + j0 * R);
      if constexpr (R == 1) continue;
      SB_UNROLL
      for (int j = 0; j < kAtOnce; ++j) {  // or the values all miss at once, when their turn comes
        __builtin_prefetch(values.row(first + j0 + j) + c, 0, 2);
      }
    }
    if (c < d) multiply_rows<R, kAtOnce, true>(q, q_stride, key, c, d - c, acc + j0 * R);
  }
  store(s, sum_each(acc));
}

// C registers of columns of o = rescale * o + sum of weights * values, for R rows.
template <int R, int C, class T>
SB_INLINE void add_columns(const float* weights, const KeyRows<T>& values, int column,
                           const float* rescale, float* o, std::int64_t o_stride, int width) {
  constexpr int kW = kLanes<Wide>;
  Wide acc[R][C];
  SB_UNROLL
  for (int r = 0; r < R; ++r) {
    SB_UNROLL
    for (int c = 0; c < C; ++c) acc[r][c] = broadcast<Wide>(0.0f);
  }
  const T* v = values.data + column;
  for (int j = 0; j < values.count; ++j, v += values.stride, weights += R) {
    Wide value[C];
    SB_UNROLL
    for (int c = 0; c < C; ++c) {
      value[c] = C == 1 && width < kW ? load_stored_part(v, width) : load_stored(v + c * kW);
    }
    SB_UNROLL
    for (int r = 0; r < R; ++r) {
      const Wide weight = broadcast<Wide>(weights[r]);
      SB_UNROLL
      for (int c = 0; c < C; ++c) acc[r][c] = fma(weight, value[c], acc[r][c]);
    }
  }
  SB_UNROLL
  for (int r = 0; r < R; ++r) {
    const Wide factor = broadcast<Wide>(rescale[r]);
    SB_UNROLL
    for (int c = 0; c < C; ++c) {
      float* sum = o + r * o_stride + column + c * kW;
      store(sum, fma(factor, load<Wide>(sum), acc[r][c]));
    }
  }
}

template <int R, class T>
SB_INLINE void add_values_to_rows(const float* weights, const KeyRows<T>& values, int d,
                                  const float* rescale, float* o, std::int64_t o_stride) {
  constexpr int kW = kLanes<Wide>;
  constexpr int kMost = SB_ISA_SIMD == 16 ? std::min(8, 24 / R) : R <= 4 ? 8 / R : 1;
  int c = 0;
  for (; c + kMost * kW <= d; c += kMost * kW) {
    add_columns<R, kMost>(weights, values, c, rescale, o, o_stride, kW);
  }
  if constexpr (kMost > 2) {
    for (; c + 2 * kW <= d; c += 2 * kW) {
      add_columns<R, 2>(weights, values, c, rescale, o, o_stride, kW);
    }
  }
  for (; c < d; c += kW) {
    add_columns<R, 1>(weights, values, c, rescale, o, o_stride, std::min(kW, d - c));
  }
}

// For each of R rows, what `combine` makes of the lanes that belong to it.
template <int R, class Combine>
SB_INLINE void fold_lanes(Wide v, float (&rows)[R], Combine&& combine) {
  float lanes[kLanes<Wide>];
  store(lanes, v);
  for (int r = 0; r < R; ++r) rows[r] = lanes[r];
  for (int l = R; l < kLanes<Wide>; ++l) rows[l % R] = combine(rows[l % R], lanes[l]);
}

template <int R>
SB_INLINE Wide spread_rows(const float* rows) {
  float lanes[kLanes<Wide>];
  for (int l = 0; l < kLanes<Wide>; ++l) lanes[l] = rows[l % R];
  return load<Wide>(lanes);
}

// R rows meet a block of keys. `top` of the rows is not null where their maximum is fixed
// beforehand (FlashDecoding++): then the largest score seen goes there.
template <int R, class T>
SB_NOINLINE void visit_rows(const float* q, const KeyRows<T>& keys, const KeyRows<T>& values, int d,
                            float scale, float* s, const Partial& rows, float* top) {
  constexpr int kW = kLanes<Wide>;
  const int padded = (keys.count * R + kW - 1) / kW * kW;
  for (int at = 0; at < padded; at += kW) score_rows<R>(q, keys, values, at / R, d, s + at);
  std::fill(s + keys.count * R, s + padded, -INFINITY);

  Wide tops = load<Wide>(s);
  for (int at = kW; at < padded; at += kW) tops = max(tops, load<Wide>(s + at));
  float best[R], rescale[R];
  fold_lanes<R>(tops, best, [](float a, float b) { return max(a, b); });
  for (int r = 0; r < R; ++r) {
    const float score = best[r] * scale;
    const float before = rows.max[r];
    if (top != nullptr) {
      top[r] = max(top[r], score);
    } else {
      rows.max[r] = max(before, round_up(score));
    }
    rescale[r] = exp2(before - rows.max[r]);
  }

  const Wide factor = broadcast<Wide>(scale);
  const Wide subtract = spread_rows<R>(rows.max);
  Wide sums = broadcast<Wide>(0.0f);
  for (int at = 0; at < padded; at += kW) {
    const Wide weight = exp2(fms(load<Wide>(s + at), factor, subtract));
    sums = add(sums, weight);
    store(s + at, weight);
  }
  float sum[R];
  fold_lanes<R>(sums, sum, [](float a, float b) { return a + b; });
  for (int r = 0; r < R; ++r) rows.sum[r] = rescale[r] * rows.sum[r] + sum[r];
  add_values_to_rows<R>(s, values, d, rescale, rows.o, rows.stride);
}
