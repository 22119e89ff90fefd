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
  const T* data = nullptr;
  std::int64_t stride = 0;
  int count = 0;
  // Past the last key the last one again: what comes of it is overwritten.
  const T* row(int j) const { return data + std::min(j, count - 1) * stride; }
};

// Is the bf16 dot product to be used for rows of this type? See row_dot-inl.h.
template <class T>
inline constexpr bool kByDot = false;

// Into the second-level cache.
SB_INLINE void fetch_far(const void* p) { __builtin_prefetch(p, 0, 2); }

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

// Scores of R rows with as many keys as fill a register, from key `first` on. `soon`: rows to
// fetch, or none; what is needed next would miss line by line when its turn comes.
template <int R, class T>
SB_INLINE void score_rows(const float* q, const KeyRows<T>& keys, int first, int d, float* s,
                          const KeyRows<T>& soon) {
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
      if (soon.data == nullptr) continue;
      SB_UNROLL
      for (int j = 0; j < kAtOnce; ++j) fetch_far(soon.row(first + j0 + j) + c);
    }
    if (c < d) multiply_rows<R, kAtOnce, true>(q, q_stride, key, c, d - c, acc + j0 * R);
  }
  store(s, sum_each(acc));
}

// C registers of columns of o = rescale * o + sum of weights * values, for R rows.
template <int R, int C, class T>
SB_INLINE void add_columns(const float* weights, const KeyRows<T>& values, int column,
                           const float* rescale, float* o, std::int64_t o_stride, int width,
                           const KeyRows<T>& soon) {
  constexpr int kW = kLanes<Wide>;
  Wide acc[R][C];
  SB_UNROLL
  for (int r = 0; r < R; ++r) {
    SB_UNROLL
    for (int c = 0; c < C; ++c) acc[r][c] = broadcast<Wide>(0.0f);
  }
  const T* v = values.data + column;
  const T* ahead = soon.data == nullptr ? nullptr : soon.data + column;
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
    if (ahead == nullptr) continue;
    SB_UNROLL
    for (int c = 0; c < C; ++c) fetch_far(ahead + c * kW);
    ahead += soon.stride;
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
                                  const float* rescale, float* o, std::int64_t o_stride,
                                  const KeyRows<T>& soon) {
  constexpr int kW = kLanes<Wide>;
  constexpr int kMost = SB_ISA_SIMD == 16 ? std::min(8, 24 / R) : R <= 4 ? 8 / R : 1;
  int c = 0;
  for (; c + kMost * kW <= d; c += kMost * kW) {
    add_columns<R, kMost>(weights, values, c, rescale, o, o_stride, kW, soon);
  }
  if constexpr (kMost > 2) {
    for (; c + 2 * kW <= d; c += 2 * kW) {
      add_columns<R, 2>(weights, values, c, rescale, o, o_stride, kW, soon);
    }
  }
  for (; c < d; c += kW) {
    add_columns<R, 1>(weights, values, c, rescale, o, o_stride, std::min(kW, d - c), soon);
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

#if SB_ISA_DOT
#include "suites/attention/row_dot-inl.h"
#endif

// What a visit of a block multiplies, by the type of what is stored.
template <int R, class T>
struct BlockProducts {
  const float* q;
  KeyRows<T> keys, values;
  KeyRows<T> next_keys;  // fetched during the values, as `values` are during the scores
  bool fetches;
  int d;

  void score(int first, float* s) const {
    const KeyRows<T> soon = fetches ? values : KeyRows<T>{};
#if SB_ISA_DOT
    if constexpr (kByDot<T>) {
      score_rows_by_dot<R>(reinterpret_cast<const T*>(q), 2 * Arena::padded(d), keys, first, d, s,
                           soon);
      return;
    }
#endif
    score_rows<R>(q, keys, first, d, s, soon);
  }

  void put_weights(Wide weights, int at, float* s) const {
#if SB_ISA_DOT
    if constexpr (kByDot<T>) {
      store_weights_by_dot<R>(s + at / 2, weights);
      return;
    }
#endif
    store(s + at, weights);
  }

  void add_values(const float* weights, const float* rescale, const Partial& rows) const {
    const KeyRows<T> soon = fetches ? next_keys : KeyRows<T>{};
#if SB_ISA_DOT
    if constexpr (kByDot<T>) {
      add_values_by_dot<R>(weights, values, d, rescale, rows.o, rows.stride, soon);
      return;
    }
#endif
    add_values_to_rows<R>(weights, values, d, rescale, rows.o, rows.stride, soon);
  }
};

// R rows meet a block of keys. `top` of the rows is not null where their maximum is fixed
// beforehand (FlashDecoding++): then the largest score seen goes there.
template <int R, class T>
SB_NOINLINE void visit_rows(const BlockProducts<R, T>& block, float scale, float* s,
                            const Partial& rows, float* top) {
  constexpr int kW = kLanes<Wide>;
  const int count = block.keys.count;
  const int padded = (count * R + kW - 1) / kW * kW;
  for (int at = 0; at < padded; at += kW) block.score(at / R, s + at);
  std::fill(s + count * R, s + padded, -INFINITY);

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
    block.put_weights(weight, at, s);
  }
  float sum[R];
  fold_lanes<R>(sums, sum, [](float a, float b) { return a + b; });
  for (int r = 0; r < R; ++r) rows.sum[r] = rescale[r] * rows.sum[r] + sum[r];
  block.add_values(s, rescale, rows);
}
