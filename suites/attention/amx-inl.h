// The two products of a panel as matrix tiles (AMX): a tile is 16 keys, or columns of the values,
// by 16 query rows, and adds 32 products of bf16 at a time. The panel of queries and the panel of
// weights are right operands as they lie: rows of words, two bf16 along the contracted index. Left
// operands are 16 rows of 16 words: keys in place, values transposed block by block.
// Included inside a region with SB_ISA_AMX; counts of words are rounded up to whole tiles, so what
// lies behind them must be there and zero on one side.

struct MacTile {
  static constexpr int kPerWord = 2;
  static constexpr int kGrain = 32;  // keys: the depth of a tile
  static constexpr bool kInTiles = true;
  static constexpr int kPairs = 0;
};

inline constexpr int kTileWords = 16;  // rows of a tile, and words in a row

struct alignas(64) TileConfig {
  std::uint8_t palette = 1;
  std::uint8_t start_row = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t row_bytes[16] = {};
  std::uint8_t rows[16] = {};
};

// Eight tiles of 16 rows of 64 bytes, for the calling thread.
inline void configure_tiles() {
  TileConfig config;
  std::fill_n(config.row_bytes, 8, std::uint16_t{4 * kTileWords});
  std::fill_n(config.rows, 8, std::uint8_t{kTileWords});
  // g++ 12's intrinsic reads 8 bytes as far as the optimiser knows; the rest must not be dropped.
  asm volatile("" : : "r"(&config) : "memory");
  _tile_loadconfig(&config);
}

// Tiles 0 .. C-1 += left (16 rows) * right (C tiles side by side), over `words` words.
template <int C>
SB_INLINE void multiply_tiles(const float* left, std::int64_t left_stride, const float* right,
                              int width, int words) {
  const std::int64_t left_bytes = left_stride * 4;
  const std::int64_t right_bytes = std::int64_t{width} * 4;
  for (int w = 0; w < words; w += kTileWords, right += kTileWords * width) {
    _tile_loadd(6, left + w, left_bytes);
    _tile_loadd(3, right, right_bytes);
    _tile_dpbf16ps(0, 6, 3);
    if constexpr (C > 1) {
      _tile_loadd(4, right + kTileWords, right_bytes);
      _tile_dpbf16ps(1, 6, 4);
    }
    if constexpr (C > 2) {
      _tile_loadd(5, right + 2 * kTileWords, right_bytes);
      _tile_dpbf16ps(2, 6, 5);
    }
  }
}

template <int C>
SB_INLINE void clear_tiles() {
  _tile_zero(0);
  if constexpr (C > 1) _tile_zero(1);
  if constexpr (C > 2) _tile_zero(2);
}

template <int C>
SB_INLINE void load_tiles(const float* from, int width) {
  const std::int64_t bytes = std::int64_t{width} * 4;
  _tile_loadd(0, from, bytes);
  if constexpr (C > 1) _tile_loadd(1, from + kTileWords, bytes);
  if constexpr (C > 2) _tile_loadd(2, from + 2 * kTileWords, bytes);
}

template <int C>
SB_INLINE void store_tiles(float* to, int width) {
  const std::int64_t bytes = std::int64_t{width} * 4;
  _tile_stored(0, to, bytes);
  if constexpr (C > 1) _tile_stored(1, to + kTileWords, bytes);
  if constexpr (C > 2) _tile_stored(2, to + 2 * kTileWords, bytes);
}

// Raw scores of `count` keys into `s`, their maximum into `top`. Writes whole tiles of keys.
template <class V, int C>
SB_NOINLINE void score_keys_in_tiles(const float* q, int width, const float* k,
                                     std::int64_t k_stride, int words, int count, float* s,
                                     V* top) {
  for (int j = 0; j < count; j += kTileWords) {
    clear_tiles<C>();
    multiply_tiles<C>(k + j * k_stride, k_stride, q, width, words);
    store_tiles<C>(s + j * width, width);
  }
  V even[C], odd[C];
  for (int c = 0; c < C; ++c) even[c] = odd[c] = top[c];
  int j = 0;
  for (; j + 2 <= count; j += 2, s += 2 * width) {
    SB_UNROLL
    for (int c = 0; c < C; ++c) {
      even[c] = max(even[c], load<V>(s + c * kLanes<V>));
      odd[c] = max(odd[c], load<V>(s + width + c * kLanes<V>));
    }
  }
  for (int c = 0; c < C; ++c) {
    if (j < count) even[c] = max(even[c], load<V>(s + c * kLanes<V>));
    top[c] = max(even[c], odd[c]);
  }
}

// o = scale * o + the values weighted by the panel `p` of `words` key words, in place.
template <class V, int C>
SB_NOINLINE void add_values_in_tiles(float* p, int width, const float* v, std::int64_t v_stride,
                                     int words, int d, float* o, const V* scale) {
  const V one = broadcast<V>(1.0f);
  bool rescale = false;
  for (int c = 0; c < C; ++c) {
    rescale |= _mm512_cmp_ps_mask(scale[c], one, _CMP_NEQ_UQ) != 0;
    for (int w = words; w % kTileWords != 0; ++w) {
      store(p + w * width + c * kLanes<V>, broadcast<V>(0.0f));
    }
  }
  for (int column = 0; rescale && column < d; ++column) {
    SB_UNROLL
    for (int c = 0; c < C; ++c) {
      float* sum = o + column * width + c * kLanes<V>;
      store(sum, mul(scale[c], load<V>(sum)));
    }
  }
  for (int column = 0; column < d; column += kTileWords) {
    load_tiles<C>(o + column * width, width);
    multiply_tiles<C>(v + column * v_stride, v_stride, p, width, words);
    store_tiles<C>(o + column * width, width);
  }
}

// The first `columns` (a mask) of 16 elements as words, or zeros for a row that isn't there.
SB_INLINE __m512i words_of(const std::uint16_t* row, bool there, __mmask16 columns) {
  const __mmask16 seen = there ? columns : __mmask16{0};
  return _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(seen, row));
}

// Values of a block as left operand: to[column][j / 2] = v[j][column] | v[j + 1][column] << 16, in
// whole tiles, zeros behind the last key and the last column.
inline void transpose_values(const std::uint16_t* v, std::int64_t stride, int count, int d,
                             float* to, std::int64_t to_stride) {
  for (int j = 0; j < count; j += 2 * kTileWords) {
    for (int c = 0; c < d; c += kTileWords) {
      const int left = d - c;
      const auto columns = static_cast<__mmask16>(left < 16 ? (1u << left) - 1 : 0xffffu);
      __m512 words[kTileWords];
      SB_UNROLL
      for (int i = 0; i < kTileWords; ++i) {
        const int key = j + 2 * i;
        const std::uint16_t* row = v + key * stride + c;
        const __m512i low = words_of(row, key < count, columns);
        const __m512i high = words_of(row + stride, key + 1 < count, columns);
        words[i] = _mm512_castsi512_ps(_mm512_or_si512(low, _mm512_slli_epi32(high, 16)));
      }
      transpose_registers(words);
      SB_UNROLL
      for (int i = 0; i < kTileWords; ++i) store(to + (c + i) * to_stride + j / 2, words[i]);
    }
  }
}

// Keys of a block as left operand where the last tile would read past them, or where a row is no
// whole number of tiles: a copy with zeros behind.
inline void copy_keys(const std::uint16_t* k, std::int64_t stride, int count, int d, float* to,
                      std::int64_t to_stride) {
  const int rows = (count + kTileWords - 1) / kTileWords * kTileWords;
  for (int j = 0; j < rows; ++j) {
    auto* row = reinterpret_cast<std::uint16_t*>(to + j * to_stride);
    const int filled = j < count ? d : 0;
    std::copy_n(k + j * stride, filled, row);
    std::fill(row + filled, row + 2 * to_stride, std::uint16_t{0});
  }
}
