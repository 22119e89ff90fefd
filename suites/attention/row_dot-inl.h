// The products of row-inl.h by the bf16 dot product: a register holds 32 elements of a key, or of
// two keys' values side by side. Included inside a region that has it.

template <>
inline constexpr bool kByDot<Bf16> = true;

// Elements [c, c + 32) of a row of d, zeros behind it.
SB_INLINE __m512bh load_pairs(const Bf16* row, int c, int d) {
  const int left = d - c;
  const __mmask32 part = left >= 32 ? ~0u : (1u << left) - 1;
  return (__m512bh)_mm512_maskz_loadu_epi16(part, row + c);
}

// As score_rows in row-inl.h; rows of `q` are bf16, `q_stride` elements apart, zeros behind d.
template <int R>
SB_INLINE void score_rows_by_dot(const Bf16* q, std::int64_t q_stride, const KeyRows<Bf16>& keys,
                                 int first, int d, float* s, const KeyRows<Bf16>& soon) {
  constexpr int kKeys = 16 / R;
  constexpr int kAtOnce = std::min(4, kKeys);  // more streams lose the prefetcher
  Wide acc[16];
  SB_UNROLL
  for (int i = 0; i < 16; ++i) acc[i] = broadcast<Wide>(0.0f);
  SB_UNROLL
  for (int j0 = 0; j0 < kKeys; j0 += kAtOnce) {
    const Bf16* key[kAtOnce];
    SB_UNROLL
    for (int j = 0; j < kAtOnce; ++j) key[j] = keys.row(first + j0 + j);
    for (int c = 0; c < d; c += 32) {
      __m512bh k[kAtOnce];
      SB_UNROLL
      for (int j = 0; j < kAtOnce; ++j) k[j] = load_pairs(key[j], c, d);
      SB_UNROLL
      for (int r = 0; r < R; ++r) {
        const auto query = (__m512bh)_mm512_loadu_si512(q + r * q_stride + c);
        SB_UNROLL
        for (int j = 0; j < kAtOnce; ++j) {
          Wide& sum = acc[(j0 + j) * R + r];
          sum = _mm512_dpbf16_ps(sum, query, k[j]);
        }
      }
      if (soon.data == nullptr) continue;
      SB_UNROLL
      for (int j = 0; j < kAtOnce; ++j) fetch_far(soon.row(first + j0 + j) + c);
    }
  }
  store(s, sum_each(acc));
}

// 16 weights of R rows, [key][row], as 8 words [pair of keys][row], the lower key in the lower
// half.
template <int R>
SB_INLINE void store_weights_by_dot(float* to, Wide weights) {
  std::int16_t order[16] = {};
  SB_UNROLL
  for (int i = 0; i < 16; ++i) {
    const int word = i / 2, pair = word / R, row = word % R;
    order[i] = static_cast<std::int16_t>((2 * pair + i % 2) * R + row);
  }
  const auto narrow = (__m256i)_mm512_cvtneps_pbh(weights);
  const __m256i index = _mm256_loadu_si256((const __m256i*)order);
  _mm256_storeu_si256((__m256i*)to, _mm256_permutexvar_epi16(index, narrow));
}

// G times 32 columns from `column` on of o = rescale * o + weights * values, for R rows.
// Neighbouring keys are interleaved element by element, which leaves columns in the order 0-3,
// 8-11, .. and 4-7, 12-15, ..; sums are put in order once, at the end.
template <int R, int G>
SB_INLINE void add_columns_by_dot(const float* weights, const KeyRows<Bf16>& values, int column,
                                  int d, const float* rescale, float* o, std::int64_t o_stride,
                                  const KeyRows<Bf16>& soon) {
  Wide acc[R][2 * G];
  SB_UNROLL
  for (int r = 0; r < R; ++r) {
    SB_UNROLL
    for (int g = 0; g < 2 * G; ++g) acc[r][g] = broadcast<Wide>(0.0f);
  }
  const Bf16* ahead = soon.data == nullptr ? nullptr : soon.data + column;
  for (int j = 0; j < values.count; j += 2, weights += R) {
    const Bf16* v = values.data + j * values.stride;
    const Bf16* next = v + (j + 1 < values.count ? values.stride : 0);
    const int end = j + 1 < values.count ? d : 0;  // a last key without a partner meets zeros
    __m512bh pair[2 * G];
    SB_UNROLL
    for (int g = 0; g < G; ++g) {
      const auto a = (__m512i)load_pairs(v, column + 32 * g, d);
      const auto b = (__m512i)load_pairs(next, column + 32 * g, std::max(end, column + 32 * g));
      pair[2 * g] = (__m512bh)_mm512_unpacklo_epi16(a, b);
      pair[2 * g + 1] = (__m512bh)_mm512_unpackhi_epi16(a, b);
    }
    SB_UNROLL
    for (int r = 0; r < R; ++r) {
      const auto weight = (__m512bh)broadcast<Wide>(weights[r]);
      SB_UNROLL
      for (int g = 0; g < 2 * G; ++g) acc[r][g] = _mm512_dpbf16_ps(acc[r][g], weight, pair[g]);
    }
    if (ahead == nullptr) continue;
    SB_UNROLL
    for (int g = 0; g < G; ++g) {
      fetch_far(ahead + 32 * g);
      fetch_far(ahead + soon.stride + 32 * g);
    }
    ahead += 2 * soon.stride;
  }
  const __m512i low = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11);
  const __m512i high = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
  SB_UNROLL
  for (int r = 0; r < R; ++r) {
    const Wide factor = broadcast<Wide>(rescale[r]);
    SB_UNROLL
    for (int g = 0; g < G; ++g) {
      float* sum = o + r * o_stride + column + 32 * g;
      const __m512d a = _mm512_castps_pd(acc[r][2 * g]);
      const __m512d b = _mm512_castps_pd(acc[r][2 * g + 1]);
      const Wide first = _mm512_castpd_ps(_mm512_permutex2var_pd(a, low, b));
      const Wide second = _mm512_castpd_ps(_mm512_permutex2var_pd(a, high, b));
      store(sum, fma(factor, load<Wide>(sum), first));
      if (column + 32 * g + 16 >= d) continue;  // the row of sums ends here
      store(sum + 16, fma(factor, load<Wide>(sum + 16), second));
    }
  }
}

template <int R>
SB_INLINE void add_values_by_dot(const float* weights, const KeyRows<Bf16>& values, int d,
                                 const float* rescale, float* o, std::int64_t o_stride,
                                 const KeyRows<Bf16>& soon) {
  constexpr int kMost = std::min(4, 8 / R);
  int c = 0;
  for (; c + kMost * 32 <= d; c += kMost * 32) {
    add_columns_by_dot<R, kMost>(weights, values, c, d, rescale, o, o_stride, soon);
  }
  for (; c < d; c += 32) {
    add_columns_by_dot<R, 1>(weights, values, c, d, rescale, o, o_stride, soon);
  }
}
