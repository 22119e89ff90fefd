// A panel of query rows meets a block of keys: scores, mask, weights, values. Included inside a
// region. Scores live in the log2 domain after multiplication with the scale, because 2^x is what
// the hardware splits; the running maximum is rounded up to an integer, so that every rescale
// factor is an exact power of two and x = s * scale - max is rounded once.

struct Panel {
  PanelShape shape;
  int width = 0;
  float* q = nullptr;    // [word][width], or as pack_pairs puts it
  float* o = nullptr;    // [column][width], or [row][column] for pairs; not yet divided by `sum`
  float* max = nullptr;  // [width], integers
  float* sum = nullptr;  // [width]
};

// Keys and values of one block as words: in place for floats, converted otherwise.
struct KvBlock {
  const float* k = nullptr;
  const float* v = nullptr;
  std::int64_t k_stride = 0;
  std::int64_t v_stride = 0;
  std::int64_t first_key = 0;
  int keys = 0;
  const float* far = nullptr;   // what to bring in during the scores: a row of words for every key
  const float* next = nullptr;  // and during the values
};

// Rows of `words` words, transposed into panel form; missing rows are zero.
template <class V>
inline void pack_rows(Dtype dtype, const void* rows, std::int64_t stride, int count, int words,
                      float* panel, int width, int at, float* stage) {
  constexpr int kW = kLanes<V>;
  const int padded = (words + kW - 1) / kW * kW;
  const float* from = static_cast<const float*>(rows);
  if (dtype != Dtype::kF32 || count < kW || padded != words) {
    for (int r = 0; r < kW; ++r) {
      float* row = stage + r * padded;
      std::fill(row + (r < count ? words : 0), row + padded, 0.0f);
      if (r < count) widen_row(dtype, element(dtype, rows, r * stride), row, words);
    }
    from = stage;
    stride = padded;
  }
  for (int w = 0; w < padded; w += kW) {
    transpose_block<V>(from + w, stride, panel + w * width + at, width);
  }
}

// The reverse: columns of the panel times `factor` of their row, narrowed into rows.
template <class V>
inline void unpack_rows(const float* panel, int width, int at, int columns, const float* factor,
                        Dtype dtype, void* rows, std::int64_t stride, int count, float* stage) {
  constexpr int kW = kLanes<V>;
  const int padded = (columns + kW - 1) / kW * kW;
  for (int c = 0; c < padded; c += kW) {
    transpose_block<V>(panel + c * width + at, width, stage + c, padded);
  }
  for (int r = 0; r < std::min(kW, count); ++r) {
    float* row = stage + r * padded;
    const V f = broadcast<V>(factor[r]);
    for (int c = 0; c < padded; c += kW) store(row + c, mul(f, load<V>(row + c)));
    narrow_row(dtype, row, element(dtype, rows, r * stride), columns);
  }
}

#if SB_ISA_DOT
// Two keys' weights of a row as one word, the lower key in the lower half. Rounded half up: a
// weight is never negative, so ties are all that differs from round to even.
SB_INLINE __m512 pair_of(__m512 low, __m512 high) {
  const __m512i half = _mm512_set1_epi32(0x8000);
  const __m512i a = _mm512_srli_epi32(_mm512_add_epi32(_mm512_castps_si512(low), half), 16);
  const __m512i b = _mm512_add_epi32(_mm512_castps_si512(high), half);
  return _mm512_castsi512_ps(_mm512_mask_blend_epi16(0xAAAAAAAAu, a, b));
}
SB_INLINE __m256 pair_of(__m256 low, __m256 high) {
  const __m256i half = _mm256_set1_epi32(0x8000);
  const __m256i a = _mm256_srli_epi32(_mm256_add_epi32(_mm256_castps_si256(low), half), 16);
  const __m256i b = _mm256_add_epi32(_mm256_castps_si256(high), half);
  return _mm256_castsi256_ps(_mm256_blend_epi16(a, b, 0xAA));
}
#endif

// Weights of `count` keys in place of their scores (two keys to a word if the Mac says so), their
// sums onto `sum`.
template <class Mac, class V, int C>
SB_INLINE void weigh_keys(float* s, int width, int count, float scale, const V* top, V* sum) {
  constexpr bool kPairs = Mac::kPerWord == 2;
  const V factor = broadcast<V>(scale);
  V even[C], odd[C];
  SB_UNROLL
  for (int c = 0; c < C; ++c) {
    even[c] = broadcast<V>(0.0f);
    odd[c] = broadcast<V>(0.0f);
  }
  const float* from = s;
  float* to = s;  // never ahead of `from`
  int j = 0;
  for (; j + 2 <= count; j += 2, from += 2 * width, to += (kPairs ? 1 : 2) * width) {
    SB_UNROLL
    for (int c = 0; c < C; ++c) {
      const int at = c * kLanes<V>;
      const V x = exp2<kPairs>(fms(load<V>(from + at), factor, top[c]));
      const V y = exp2<kPairs>(fms(load<V>(from + width + at), factor, top[c]));
      even[c] = add(even[c], x);
      odd[c] = add(odd[c], y);
#if SB_ISA_DOT
      if constexpr (kPairs) {
        store(to + at, pair_of(x, y));
        continue;
      }
#endif
      store(to + at, x);
      store(to + width + at, y);
    }
  }
  for (int c = 0; j < count && c < C; ++c) {
    const int at = c * kLanes<V>;
    const V x = exp2<kPairs>(fms(load<V>(from + at), factor, top[c]));
    even[c] = add(even[c], x);
#if SB_ISA_DOT
    if constexpr (kPairs) {
      store(to + at, pair_of(x, broadcast<V>(0.0f)));
      continue;
    }
#endif
    store(to + at, x);
  }
  SB_UNROLL
  for (int c = 0; c < C; ++c) sum[c] = add(sum[c], add(even[c], odd[c]));
}

// One panel, one block. Rows of register c see keys below end[c] of the block; on the diagonal the
// registers drop out one after the other, so that a panel wastes no more than a register's steps.
template <class Mac, class V, int C>
class PanelBlock {
 public:
  PanelBlock(const Panel& panel, const KvBlock& kv, int d, Diagonal diagonal, float scale, float* s)
      : panel_(panel), kv_(kv), d_(d), scale_(scale), s_(s) {
    // Rows see keys j (of the block) < row + limit.
    limit_ = panel.shape.first_row + diagonal - kv.first_key;
    clear_ = clamp_to_block(limit_) / kWhole * kWhole;
    for (int c = 0; c < C; ++c) {
      const int seen = clamp_to_block(limit_ + (c + 1) * kW - 1);
      end_[c] = std::min((seen + kGrain - 1) / kGrain * kGrain, kv.keys);
      top_[c] = broadcast<V>(kNothingYet);
    }
  }

  void score() { score_from<0>(); }

  // New maximum, rescale factors, weights in place of scores.
  void weigh() {
    V sum[C];
    for (int c = 0; c < C; ++c) {
      const V before = load<V>(panel_.max + c * kW);
      max_[c] = max(before, round_up(mul(top_[c], broadcast<V>(scale_))));
      rescale_[c] = exp2(sub(before, max_[c]));
      sum[c] = mul(rescale_[c], load<V>(panel_.sum + c * kW));
      store(panel_.max + c * kW, max_[c]);
    }
    weigh_from<0>(sum);
    for (int c = 0; c < C; ++c) store(panel_.sum + c * kW, sum[c]);
  }

  void add_weighted_values() { add_from<0>(); }

  // Backward: products with `k` where the mask lets any row of a register through.
  void score_unmasked() {
    V ignored[C];
    std::fill_n(ignored, C, broadcast<V>(kNothingYet));
    score_unmasked_from<0>(ignored);
    std::fill_n(rescale_, C, broadcast<V>(1.0f));
  }

  // With masked scores in `p` and dP in this block: P = 2^(scale s - lse) over the scores, and
  // dS = P (dP - delta) over dP. What the mask dropped becomes zero.
  void differentiate(float* p, const float* lse, const float* delta) {
    for (int c = 0; c < C; ++c) {
      const V subtract = load<V>(lse + c * kW);
      const V mean = load<V>(delta + c * kW);
      const V factor = broadcast<V>(scale_);
      int at = c * kW;
      for (int j = 0; j < end_[c]; ++j, at += panel_.width) {
        const V weight = exp2(fms(load<V>(p + at), factor, subtract));
        store(p + at, weight);
        store(s_ + at, mul(weight, sub(load<V>(s_ + at), mean)));
      }
      for (int j = end_[c]; j < kv_.keys; ++j, at += panel_.width) {
        store(p + at, broadcast<V>(0.0f));
        store(s_ + at, broadcast<V>(0.0f));
      }
    }
  }

 private:
  static constexpr int kW = kLanes<V>;
  static constexpr int kPer = Mac::kPerWord;
  static constexpr int kGrain = Mac::kGrain;
  // Where masked keys begin, rounded down to a whole tile: a rest of a few keys costs more than
  // masking some that all rows see.
  static constexpr int kWhole = std::max(kGrain, 8);

  int clamp_to_block(std::int64_t keys) const {
    return static_cast<int>(std::clamp<std::int64_t>(keys, 0, kv_.keys));
  }
  int begin(int c) const { return c == 0 ? 0 : end_[c - 1]; }

  template <int kFirst>
  void score_from() {
    const int middle = std::clamp(clear_, begin(kFirst), end_[kFirst]);
    score_range<kFirst>(begin(kFirst), middle, top_ + kFirst);
    V ignored[C];
    std::fill_n(ignored, C, broadcast<V>(kNothingYet));
    score_range<kFirst>(middle, end_[kFirst], ignored + kFirst);
    mask(kFirst, middle, end_[kFirst]);
    if constexpr (kFirst + 1 < C) score_from<kFirst + 1>();
  }

  template <int kFirst>
  void score_range(int from, int to, V* top) {
    if (from >= to) return;
    const float* q = panel_.q + kFirst * kW;
    const float* k = kv_.k + from * kv_.k_stride;
    float* s = s_ + from * panel_.width + kFirst * kW;
    const int words = (d_ + kPer - 1) / kPer;
    if constexpr (Mac::kPairs > 0) {
      const float* far = kv_.far == nullptr ? nullptr : kv_.far + std::int64_t{from} * words;
      score_keys_in_pairs<Mac::kPairs - 2 * kFirst>(panel_.q + 2 * kFirst * kW, Mac::kPairs * kW, k,
                                                    kv_.k_stride, d_, to - from, s, panel_.width,
                                                    top, far);
    } else if constexpr (Mac::kInTiles) {
      score_keys_in_tiles<V, C - kFirst>(q, panel_.width, k, kv_.k_stride, words, to - from, s,
                                         top);
    } else {
      const float* far = kv_.far == nullptr ? nullptr : kv_.far + std::int64_t{from} * words;
      score_keys<Mac, V, C - kFirst>(q, panel_.width, k, kv_.k_stride, words, to - from, s, top,
                                     far);
    }
  }

  template <int kFirst>
  void score_unmasked_from(V* top) {
    score_range<kFirst>(begin(kFirst), end_[kFirst], top + kFirst);
    if constexpr (kFirst + 1 < C) score_unmasked_from<kFirst + 1>(top);
  }

  void mask(int first, int from, int to) {
    for (int j = from; j < to; ++j) {
      for (int c = first; c < C; ++c) {
        float* score = s_ + j * panel_.width + c * kW;
        const V seen = mask_first(load<V>(score), j - limit_ - c * kW + 1);
        top_[c] = max(top_[c], seen);
        store(score, seen);
      }
    }
  }

  template <int kFirst>
  void weigh_from(V* sum) {
    const int from = begin(kFirst);
    if (from < end_[kFirst]) {
      weigh_keys<Mac, V, C - kFirst>(s_ + weights_at(from) + kFirst * kW, panel_.width,
                                     end_[kFirst] - from, scale_, max_ + kFirst, sum + kFirst);
    }
    if constexpr (kFirst + 1 < C) weigh_from<kFirst + 1>(sum);
  }

  template <int kFirst>
  void add_from() {
    const int from = begin(kFirst);
    if (from < end_[kFirst]) {
      add_range<kFirst>(from, (end_[kFirst] - from + kPer - 1) / kPer);
      std::fill_n(rescale_, C, broadcast<V>(1.0f));
    }
    if constexpr (kFirst + 1 < C) add_from<kFirst + 1>();
  }

  template <int kFirst>
  void add_range(int from, int words) {
    float* weights = s_ + weights_at(from) + kFirst * kW;
    float* o = panel_.o + kFirst * kW;
    if constexpr (Mac::kPairs > 0) {
      float rescale[C * kW];
      for (int c = 0; c < C; ++c) store(rescale + c * kW, rescale_[c]);
      constexpr int kRow = kFirst * kW;
      add_values_to_pairs(weights, panel_.width, 8 * Mac::kPairs - kRow,
                          kv_.v + from * kv_.v_stride, kv_.v_stride, words, d_, rescale + kRow,
                          panel_.o + kRow * Arena::padded(d_), kv_.next);
    } else if constexpr (Mac::kInTiles) {
      add_values_in_tiles<V, C - kFirst>(weights, panel_.width, kv_.v + from / kPer, kv_.v_stride,
                                         words, d_, o, rescale_ + kFirst);
    } else {
      add_values<Mac, V, C - kFirst>(weights, panel_.width, kv_.v + from / kPer * kv_.v_stride,
                                     kv_.v_stride, words, d_, o, rescale_ + kFirst, kv_.next);
    }
  }

  // Scores and weights of a key lie in the same place even when two weights share a word.
  std::int64_t weights_at(int key) const { return std::int64_t{key} * panel_.width; }

  const Panel& panel_;
  const KvBlock& kv_;
  int d_;
  float scale_;
  float* s_;
  std::int64_t limit_;
  int clear_;
  int end_[C];
  V top_[C], max_[C], rescale_[C];
};
