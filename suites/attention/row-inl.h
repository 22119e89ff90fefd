// One query row against a range of keys: lanes run over the head size, because a panel of one row
// would leave all lanes but one idle. Same rules as a panel: scores in the log2 domain, a maximum
// that is an integer, blocks summed on their own. Included inside a region.

// Scores of R keys, one dot product each.
template <int R, class T>
SB_INLINE void score_row_keys(const float* q, const T* k, std::int64_t stride, int d, float* s) {
  Wide acc[R];
  SB_UNROLL
  for (int r = 0; r < R; ++r) acc[r] = broadcast<Wide>(0.0f);
  int c = 0;
  for (; c + kLanes<Wide> <= d; c += kLanes<Wide>) {
    const Wide query = load<Wide>(q + c);
    SB_UNROLL
    for (int r = 0; r < R; ++r) acc[r] = fma(query, load_stored(k + r * stride + c), acc[r]);
  }
  if (c < d) {
    const Wide query = load<Wide>(q + c);
    for (int r = 0; r < R; ++r) {
      acc[r] = fma(query, load_stored_part(k + r * stride + c, d - c), acc[r]);
    }
  }
  SB_UNROLL
  for (int r = 0; r < R; ++r) s[r] = sum_of(acc[r]);
}

// C registers of columns of o = rescale * o + sum of weights * values.
template <int C, class T>
SB_INLINE void add_row_columns(const float* weights, const T* v, std::int64_t stride, int keys,
                               float rescale, float* o) {
  Wide acc[C];
  SB_UNROLL
  for (int c = 0; c < C; ++c) acc[c] = broadcast<Wide>(0.0f);
  for (int j = 0; j < keys; ++j, v += stride) {
    const Wide weight = broadcast<Wide>(weights[j]);
    SB_UNROLL
    for (int c = 0; c < C; ++c) {
      acc[c] = fma(weight, load_stored(v + c * kLanes<Wide>), acc[c]);
    }
  }
  const Wide factor = broadcast<Wide>(rescale);
  SB_UNROLL
  for (int c = 0; c < C; ++c) {
    float* sum = o + c * kLanes<Wide>;
    store(sum, fma(factor, load<Wide>(sum), acc[c]));
  }
}

template <class T>
SB_INLINE void add_row_values(const float* weights, const T* v, std::int64_t stride, int keys,
                              int d, float rescale, float* o) {
  constexpr int kW = kLanes<Wide>;
  int c = 0;
  for (; c + 8 * kW <= d; c += 8 * kW) {
    add_row_columns<8>(weights, v + c, stride, keys, rescale, o + c);
  }
  for (; c + 4 * kW <= d; c += 4 * kW) {
    add_row_columns<4>(weights, v + c, stride, keys, rescale, o + c);
  }
  for (; c + kW <= d; c += kW) add_row_columns<1>(weights, v + c, stride, keys, rescale, o + c);
  if (c == d) return;
  Wide acc = broadcast<Wide>(0.0f);
  for (int j = 0; j < keys; ++j) {
    acc = fma(broadcast<Wide>(weights[j]), load_stored_part(v + j * stride + c, d - c), acc);
  }
  store(o + c, fma(broadcast<Wide>(rescale), load<Wide>(o + c), acc));
}

// State of one row between blocks; o is padded to whole registers.
struct RowState {
  float max, sum, top;
  float* o;
};

template <class T>
SB_NOINLINE void visit_row_block(const float* q, const T* k, std::int64_t k_stride, const T* v,
                                 std::int64_t v_stride, int keys, int d, float scale, bool fixed,
                                 float* s, RowState& row) {
  constexpr int kW = kLanes<Wide>;
  int j = 0;
  for (; j + 4 <= keys; j += 4) score_row_keys<4>(q, k + j * k_stride, k_stride, d, s + j);
  for (; j < keys; ++j) score_row_keys<1>(q, k + j * k_stride, k_stride, d, s + j);
  const int padded = (keys + kW - 1) / kW * kW;
  std::fill(s + keys, s + padded, -INFINITY);

  Wide tops = load<Wide>(s);
  for (j = kW; j < padded; j += kW) tops = max(tops, load<Wide>(s + j));
  const float top = max_of(tops) * scale;
  const float before = row.max;
  if (fixed) {
    row.top = max(row.top, top);
  } else {
    row.max = max(row.max, round_up(top));
  }

  const Wide factor = broadcast<Wide>(scale);
  const Wide subtract = broadcast<Wide>(row.max);
  Wide sums = broadcast<Wide>(0.0f);
  for (j = 0; j < padded; j += kW) {
    const Wide weight = exp2(fms(load<Wide>(s + j), factor, subtract));
    sums = add(sums, weight);
    store(s + j, weight);
  }
  const float rescale = fixed ? 1 : exp2(before - row.max);
  row.sum = rescale * row.sum + sum_of(sums);
  add_row_values(s, v, v_stride, keys, d, rescale, row.o);
}
