// The two register tiles that every flash form is made of. Lanes run over query rows: a panel of
// C registers of rows is transposed once, keys and values stay where they are and enter as
// broadcast words. So the row maximum, the row sum and the rescale are lane-wise, no shuffle is in
// any loop, and any head size and stride will do. Panels are [index][width] floats with width the
// rows of the panel; a word is a float, or two bf16 along the contracted index.

// acc += rows * word in float.
struct MacF32 {
  static constexpr int kPerWord = 1;
  static constexpr int kGrain = 1;  // keys that a range of a block is rounded to
  static constexpr bool kInTiles = false;
  static constexpr int kPairs = 0;
  template <class V>
  static SB_INLINE V mac(V rows, V word, V acc) {
    return fma(rows, word, acc);
  }
};

#if SB_ISA_DOT
// acc += rows.lo * word.lo + rows.hi * word.hi, both bf16, summed in float.
struct MacBf16 {
  static constexpr int kPerWord = 2;
  static constexpr int kGrain = 2;
  static constexpr bool kInTiles = false;
  static constexpr int kPairs = 0;
  static SB_INLINE __m512 mac(__m512 rows, __m512 word, __m512 acc) {
    return _mm512_dpbf16_ps(acc, (__m512bh)rows, (__m512bh)word);
  }
  static SB_INLINE __m256 mac(__m256 rows, __m256 word, __m256 acc) {
    return _mm256_dpbf16_ps(acc, (__m256bh)rows, (__m256bh)word);
  }
  static SB_INLINE __m128 mac(__m128 rows, __m128 word, __m128 acc) {
    return _mm_dpbf16_ps(acc, (__m128bh)rows, (__m128bh)word);
  }
};
#endif

// Panels of pairs of words, H registers wide.
template <int H>
struct MacPairs : MacF32 {
  static constexpr int kPairs = H;
};

// Keys (or value columns) of a tile whose panel is C registers wide. AVX-512 has 32 registers:
// 8 x 3 accumulators keep two FMA units busy with 11 loads per 24 FMAs, and one unit as well.
template <int C>
inline constexpr int kTile = SB_ISA_SIMD == 16 ? (C == 3   ? 8
                                                  : C == 2 ? 12
                                                           : 16)
                                               : (C == 3   ? 4
                                                  : C == 2 ? 6
                                                           : 12);

// What a tile may fetch while it computes, in the order of addresses: null for nothing. A step of
// two words takes as many lines as R rows of two words are long.
struct Ahead {
  const float* near = nullptr;  // into L1: the next keys
  const float* far = nullptr;   // into L2: values or keys of this block or the next
};

template <int R>
SB_INLINE void fetch(const Ahead& ahead, std::int64_t word) {
  constexpr int kLines = (R + 7) / 8;
  SB_UNROLL
  for (int i = 0; i < kLines; ++i) {
    if (ahead.near != nullptr) __builtin_prefetch(ahead.near + word * R + 16 * i, 0, 3);
  }
  SB_UNROLL
  for (int i = 0; i < kLines; ++i) {
    if (ahead.far != nullptr) __builtin_prefetch(ahead.far + word * R + 16 * i, 0, 2);
  }
}

template <class Mac, class V, int R, int C>
SB_INLINE void mac_step(const float* rows, const float* const (&words)[R], std::int64_t k,
                        V (&acc)[R][C]) {
  V row[C];
  SB_UNROLL
  for (int c = 0; c < C; ++c) row[c] = load<V>(rows + c * kLanes<V>);
  SB_UNROLL
  for (int r = 0; r < R; ++r) {
    const V word = broadcast<V>(words[r][k]);
    SB_UNROLL
    for (int c = 0; c < C; ++c) acc[r][c] = Mac::mac(row[c], word, acc[r][c]);
  }
}

// The same with words that lie side by side.
template <class Mac, class V, int R, int C>
SB_INLINE void value_step(const float* rows, const float* values, V (&acc)[R][C]) {
  const float* words[R];
  SB_UNROLL
  for (int r = 0; r < R; ++r) words[r] = values + r;
  mac_step<Mac>(rows, words, 0, acc);
}

// S^T tile: R keys against the panel `q`; raw scores into `s`, their maximum into `top`.
template <class Mac, class V, int R, int C>
SB_INLINE void score_tile(const float* q, int width, const float* k, std::int64_t k_stride,
                          int words, float* s, V (&top)[C], const Ahead& ahead) {
  const float* key[R];
  V acc[R][C];
  SB_UNROLL
  for (int r = 0; r < R; ++r) {
    key[r] = k + r * k_stride;
    SB_UNROLL
    for (int c = 0; c < C; ++c) acc[r][c] = broadcast<V>(0.0f);
  }
  int w = 0;
  for (; w + 2 <= words; w += 2) {
    fetch<R>(ahead, w);
    mac_step<Mac>(q + w * width, key, w, acc);
    mac_step<Mac>(q + (w + 1) * width, key, w + 1, acc);
  }
  if (w < words) mac_step<Mac>(q + w * width, key, w, acc);
  SB_UNROLL
  for (int r = 0; r < R; ++r) {
    SB_UNROLL
    for (int c = 0; c < C; ++c) {
      top[c] = max(top[c], acc[r][c]);
      store(s + r * width + c * kLanes<V>, acc[r][c]);
    }
  }
}

// O^T tile: o = scale * o + R columns of the values weighted by the panel `p` of `words` key words.
// The block is summed on its own, so that the rounding error grows with the number of blocks.
template <class Mac, class V, int R, int C>
SB_INLINE void value_tile(const float* p, int width, const float* v, std::int64_t v_stride,
                          int words, float* o, const V (&scale)[C], const float* ahead) {
  V acc[R][C];
  SB_UNROLL
  for (int r = 0; r < R; ++r) {
    SB_UNROLL
    for (int c = 0; c < C; ++c) acc[r][c] = broadcast<V>(0.0f);
  }
  int w = 0;
  for (; w + 2 <= words; w += 2) {
    fetch<R>({.far = ahead}, w);
    value_step<Mac>(p + w * width, v + w * v_stride, acc);
    value_step<Mac>(p + (w + 1) * width, v + (w + 1) * v_stride, acc);
  }
  if (w < words) value_step<Mac>(p + w * width, v + w * v_stride, acc);
  SB_UNROLL
  for (int r = 0; r < R; ++r) {
    SB_UNROLL
    for (int c = 0; c < C; ++c) {
      float* sum = o + r * width + c * kLanes<V>;
      store(sum, fma(scale[c], load<V>(sum), acc[r][c]));
    }
  }
}

// `count` keys from `begin` on, in tiles of R and the rest in halves of it.
template <class Mac, class V, int C, int R = kTile<C>>
SB_INLINE void score_rest(const float* q, int width, const float* k, std::int64_t k_stride,
                          int words, int begin, int count, float* s, V (&top)[C],
                          const float* far) {
  for (; begin + R <= count; begin += R) {
    const std::int64_t at = begin * k_stride;
    const bool in_line = k_stride == words;  // rows with gaps are left to the hardware
    const Ahead ahead = {in_line ? k + at + R * k_stride : nullptr,
                         far == nullptr ? nullptr : far + std::int64_t{begin} * words};
    score_tile<Mac, V, R, C>(q, width, k + at, k_stride, words, s + begin * width, top, ahead);
  }
  if constexpr (R > 1) {
    if (begin < count) {
      score_rest<Mac, V, C, R / 2>(q, width, k, k_stride, words, begin, count, s, top, nullptr);
    }
  }
}

template <class Mac, class V, int C>
SB_NOINLINE void score_keys(const float* q, int width, const float* k, std::int64_t k_stride,
                            int words, int count, float* s, V* top, const float* far) {
  V best[C];
  for (int c = 0; c < C; ++c) best[c] = top[c];
  score_rest<Mac, V, C>(q, width, k, k_stride, words, 0, count, s, best, far);
  for (int c = 0; c < C; ++c) top[c] = best[c];
}

template <class Mac, class V, int C, int R = kTile<C>>
SB_INLINE void value_rest(const float* p, int width, const float* v, std::int64_t v_stride,
                          int words, int begin, int d, float* o, const V (&scale)[C],
                          const float* ahead) {
  for (; begin + R <= d; begin += R) {
    value_tile<Mac, V, R, C>(p, width, v + begin, v_stride, words, o + begin * width, scale,
                             ahead == nullptr ? nullptr : ahead + std::int64_t{begin} * words);
  }
  if constexpr (R > 1) {
    if (begin < d) {
      value_rest<Mac, V, C, R / 2>(p, width, v, v_stride, words, begin, d, o, scale, nullptr);
    }
  }
}

template <class Mac, class V, int C>
SB_NOINLINE void add_values(const float* p, int width, const float* v, std::int64_t v_stride,
                            int words, int d, float* o, const V* scale, const float* ahead) {
  V factor[C];
  for (int c = 0; c < C; ++c) factor[c] = scale[c];
  value_rest<Mac, V, C>(p, width, v, v_stride, words, 0, d, o, factor, ahead);
}

#if SB_ISA_SIMD != 16
// The forms of pairs-inl.h, which no panel of this region asks for.
template <int H, class... Args>
void score_keys_in_pairs(Args...);
template <class... Args>
void add_values_to_pairs(Args...);
template <class... Args>
void pack_pairs(Args...);
#endif

#if !SB_ISA_AMX
// The forms of amx-inl.h, which no Mac of this region asks for.
template <class V, int C, class... Args>
void score_keys_in_tiles(Args...);
template <class V, int C, class... Args>
void add_values_in_tiles(Args...);
#endif
