// Fewer rows than fill the registers of a full panel. One register of rows needs a broadcast for
// every FMA, and loads do not come that fast. Here a register holds 8 rows times 2 neighbouring
// words, met by two words of a key broadcast at once: 16 rows are two registers wide, 24 are three,
// and neighbouring lanes are added once per key. Values meet the weights with lanes over columns: a
// row's weight is the broadcast, and a line of values is used as soon as it is there. Included
// inside a region of AVX-512.

// Where row r of a panel of `halves` times 8 rows lies in the registers of a pair of words. Adding
// neighbours puts the rows of two registers in order if each holds every other two rows.
inline int place_in_pair(int r, int halves) {
  const int group = r / 16, row = r % 16;
  if (2 * group + 1 == halves) return 32 * group + 2 * row;
  return 32 * group + 16 * (row % 4 / 2) + row / 4 * 4 + 2 * (row % 2);
}

// The rows of Q as [pair of words][half][row, word], zeros where a row or the last word is missing.
inline void pack_pairs(Dtype dtype, const void* rows, std::int64_t stride, int count, int d,
                       int halves, float* panel, float* stage) {
  std::fill_n(panel, std::int64_t{d + 1} / 2 * 16 * halves, 0.0f);
  for (int r = 0; r < count; ++r) {
    widen_row(dtype, element(dtype, rows, r * stride), stage, d);
    float* to = panel + place_in_pair(r, halves);
    for (int w = 0; w < d; ++w) to[w / 2 * 16 * halves + w % 2] = stage[w];
  }
}

SB_INLINE Wide broadcast_pair(const float* p) {
  double both;
  std::memcpy(&both, p, sizeof both);
  return _mm512_castpd_ps(_mm512_set1_pd(both));
}

// Sums of neighbours: 16 rows of two registers, or 8 rows of one, twice.
SB_INLINE Wide add_neighbours(Wide a, Wide b) {
  return add(_mm512_shuffle_ps(a, b, 0x88), _mm512_shuffle_ps(a, b, 0xdd));
}
SB_INLINE Wide add_neighbours(Wide a) {
  const __m512i halves = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
  return _mm512_castpd_ps(_mm512_permutexvar_pd(halves, _mm512_castps_pd(add_neighbours(a, a))));
}

// Two words of R keys, or with kHalf one that is the last.
template <bool kHalf, int H, int R>
SB_INLINE void pair_step(const float* q, const float* k, std::int64_t k_stride, Wide (&acc)[R][H]) {
  Wide row[H];
  SB_UNROLL
  for (int h = 0; h < H; ++h) row[h] = load<Wide>(q + 16 * h);
  SB_UNROLL
  for (int r = 0; r < R; ++r, k += k_stride) {
    const Wide word = kHalf ? _mm512_maskz_mov_ps(0x5555, broadcast<Wide>(*k)) : broadcast_pair(k);
    SB_UNROLL
    for (int h = 0; h < H; ++h) acc[r][h] = fma(row[h], word, acc[r][h]);
  }
}

// R keys against H registers of pairs, `q_stride` floats from one pair of words to the next.
template <int H, int R, int C>
SB_INLINE void score_pairs(const float* q, int q_stride, const float* k, std::int64_t k_stride,
                           int d, float* s, int width, Wide (&top)[C], const Ahead& ahead) {
  Wide acc[R][H];
  SB_UNROLL
  for (int r = 0; r < R; ++r) {
    SB_UNROLL
    for (int h = 0; h < H; ++h) acc[r][h] = broadcast<Wide>(0.0f);
  }
  int w = 0;
  for (; w + 2 <= d; w += 2, q += q_stride) {
    fetch<R>(ahead, w);
    pair_step<false>(q, k + w, k_stride, acc);
  }
  if (w < d) pair_step<true>(q, k + w, k_stride, acc);
  SB_UNROLL
  for (int r = 0; r < R; ++r) {
    SB_UNROLL
    for (int c = 0; c < C; ++c) {
      constexpr int kLast = H - 1;
      const Wide score = 2 * c < kLast ? add_neighbours(acc[r][2 * c], acc[r][2 * c + 1])
                                       : add_neighbours(acc[r][kLast]);
      top[c] = max(top[c], score);
      store(s + r * width + 16 * c, score);
    }
  }
}

// Keys of a tile: 16 to 25 accumulators.
template <int H>
inline constexpr int kPairKeys = H == 1   ? 16
                                 : H == 2 ? 12
                                 : H == 3 ? 8
                                 : H == 4 ? 6
                                          : 5;

template <int H, int R, int C>
SB_INLINE void score_rest_of_pairs(const float* q, int q_stride, const float* k,
                                   std::int64_t k_stride, int d, int begin, int count, float* s,
                                   int width, Wide (&top)[C], const float* far) {
  for (; begin + R <= count; begin += R) {
    const float* key = k + begin * k_stride;
    const Ahead ahead = {k_stride == d ? key + R * k_stride : nullptr,
                         far == nullptr ? nullptr : far + std::int64_t{begin} * d};
    score_pairs<H, R>(q, q_stride, key, k_stride, d, s + begin * width, width, top, ahead);
  }
  if constexpr (R > 1) {
    if (begin < count) {
      score_rest_of_pairs<H, R / 2>(q, q_stride, k, k_stride, d, begin, count, s, width, top,
                                    nullptr);
    }
  }
}

template <int H, int C = (H + 1) / 2>
SB_NOINLINE void score_keys_in_pairs(const float* q, int q_stride, const float* k,
                                     std::int64_t k_stride, int d, int count, float* s, int width,
                                     Wide* top, const float* far) {
  Wide best[C];
  for (int c = 0; c < C; ++c) best[c] = top[c];
  score_rest_of_pairs<H, kPairKeys<H>>(q, q_stride, k, k_stride, d, 0, count, s, width, best, far);
  for (int c = 0; c < C; ++c) top[c] = best[c];
}

// C registers of columns of four rows: o = rescale * o + weights * values; the last register may
// be a part of one. `ahead`: a line to fetch for every key.
template <int C>
SB_INLINE void value_columns(const float* weights, int width, const float* v, std::int64_t v_stride,
                             int keys, __mmask16 last, const float* rescale, float* o,
                             std::int64_t o_stride, const float* ahead) {
  constexpr int kRows = 4;
  Wide acc[kRows][C];
  SB_UNROLL
  for (int r = 0; r < kRows; ++r) {
    SB_UNROLL
    for (int c = 0; c < C; ++c) acc[r][c] = broadcast<Wide>(0.0f);
  }
  for (int j = 0; j < keys; ++j, v += v_stride, weights += width) {
    if (ahead != nullptr) __builtin_prefetch(ahead + 16 * j, 0, 2);
    Wide value[C];
    SB_UNROLL
    for (int c = 0; c + 1 < C; ++c) value[c] = load<Wide>(v + 16 * c);
    value[C - 1] = _mm512_maskz_loadu_ps(last, v + 16 * (C - 1));
    SB_UNROLL
    for (int r = 0; r < kRows; ++r) {
      const Wide weight = broadcast<Wide>(weights[r]);
      SB_UNROLL
      for (int c = 0; c < C; ++c) acc[r][c] = fma(weight, value[c], acc[r][c]);
    }
  }
  SB_UNROLL
  for (int r = 0; r < kRows; ++r) {
    const Wide factor = broadcast<Wide>(rescale[r]);
    SB_UNROLL
    for (int c = 0; c < C; ++c) {
      float* sum = o + r * o_stride + 16 * c;
      store(sum, fma(factor, load<Wide>(sum), acc[r][c]));
    }
  }
}

// o[row][column], `rows` a multiple of 4, rows of `o` whole registers. Columns outside: the values
// of one range of columns stay in the first cache while all rows meet them.
SB_NOINLINE inline void add_values_to_pairs(const float* weights, int width, int rows,
                                            const float* v, std::int64_t v_stride, int keys, int d,
                                            const float* rescale, float* o, const float* next) {
  const int registers = (d + 15) / 16;
  const std::int64_t o_stride = Arena::padded(d);
  int lines = next == nullptr ? 0 : registers;  // of every next key, still to be fetched
  for (int c = 0; c < registers;) {
    const int left = registers - c;
    const int taken = left == 5 ? 5 : left == 6 ? 3 : std::min(left, 4);
    const bool whole = c + taken < registers || d % 16 == 0;
    const auto last = static_cast<__mmask16>(whole ? 0xffff : (1 << d % 16) - 1);
    for (int r = 0; r < rows; r += 4) {
      const float* ahead =
          lines > 0 ? next + std::int64_t{registers - lines--} * 16 * keys : nullptr;
      const auto columns = [&](auto count) {
        value_columns<count>(weights + r, width, v + 16 * c, v_stride, keys, last, rescale + r,
                             o + r * o_stride + 16 * c, o_stride, ahead);
      };
      switch (taken) {
        case 1:
          columns(std::integral_constant<int, 1>());
          break;
        case 2:
          columns(std::integral_constant<int, 2>());
          break;
        case 3:
          columns(std::integral_constant<int, 3>());
          break;
        case 4:
          columns(std::integral_constant<int, 4>());
          break;
        default:
          columns(std::integral_constant<int, 5>());
      }
    }
    c += taken;
  }
}
