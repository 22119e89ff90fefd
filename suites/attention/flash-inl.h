// FlashAttention-2's loop for one group of panels: key blocks outside, panels inside, statistics
// and accumulators stay with the panels. Included inside a region.

struct FlashWorkspace {
  float* s = nullptr;  // scores, then weights, of one panel and block
  float* k = nullptr;  // a converted block, when keys can't be read in place
  float* v = nullptr;
  float* stage = nullptr;  // rows on their way in or out
  Panel panels[kGroupPanels];
};

// Everything a group needs from the arena.
inline void take_workspace(Arena arena, int d, int key_block, FlashWorkspace& w) {
  const int width = kPanelVectors * kLanes<Wide>;
  const std::int64_t padded_d = Arena::padded(d);
  w.s = arena.take(std::int64_t{key_block} * width);
  w.k = arena.take(key_block * padded_d);
  w.v = arena.take(key_block * value_row_floats(d));
  w.stage = arena.take(kLanes<Wide> * padded_d);
  for (Panel& panel : w.panels) {
    panel.q = arena.take(padded_d * width);
    panel.o = arena.take(padded_d * width);
    panel.max = arena.take(width);
    panel.sum = arena.take(width);
  }
}

// Vector type and registers of a panel as types: calls f.template run<V, C>().
template <class F>
SB_INLINE void for_panel_type(const PanelShape& shape, F&& f) {
  switch (shape.vectors) {
    case 0:  // NOLINT(bugprone-branch-clone): Narrow is Wide only where registers are floats
      return f.template run<Narrow, 1>();
    case 1:
      return f.template run<Wide, 1>();
    case 2:
      return f.template run<Wide, 2>();
    default:
      return f.template run<Wide, 3>();
  }
}

template <class Mac>
struct OpenPanel {
  const Head& head;
  Panel& panel;
  float* stage;

  template <class V, int C>
  void run() {
    constexpr int kW = kLanes<V>;
    // Words of two bf16 are moved as if they were floats.
    const Dtype dtype = Mac::kPerWord == 2 ? Dtype::kF32 : head.dtype;
    if constexpr (SB_ISA_SIMD == 16) {
      if (panel.shape.pairs > 0) pack_in_pairs();
    }
    for (int c = 0; c < C && panel.shape.pairs == 0; ++c) {
      const std::int64_t row = panel.shape.first_row + c * kW;
      pack_rows<V>(dtype, element(head.dtype, head.q.data, row * head.q.stride),
                   head.q.stride / Mac::kPerWord, panel.shape.rows - c * kW, head.d / Mac::kPerWord,
                   panel.q, panel.width, c * kW, stage);
    }
    std::fill_n(panel.o, Arena::padded(head.d) * panel.width, 0.0f);
    std::fill_n(panel.max, panel.width, kNothingYet);
    std::fill_n(panel.sum, panel.width, 0.0f);
  }

  void pack_in_pairs() const {
    const std::int64_t first = panel.shape.first_row * head.q.stride;
    pack_pairs(head.dtype, element(head.dtype, head.q.data, first), head.q.stride, panel.shape.rows,
               head.d, panel.shape.pairs, panel.q, stage);
  }
};

// A number of registers of pairs as a type: calls f(std::integral_constant<int, H>).
template <class F>
SB_INLINE void for_pairs([[maybe_unused]] int pairs, [[maybe_unused]] F&& f) {
#if SB_ISA_SIMD == 16
  switch (pairs) {
    case 1:
      return f(std::integral_constant<int, 1>());
    case 2:
      return f(std::integral_constant<int, 2>());
    case 3:
      return f(std::integral_constant<int, 3>());
    case 4:
      return f(std::integral_constant<int, 4>());
    default:
      return f(std::integral_constant<int, 5>());
  }
#endif
}

template <class Mac>
struct VisitBlock {
  const Head& head;
  const Panel& panel;
  const KvBlock& kv;
  float* s;

  template <class V, int C>
  void run() {
    if constexpr (Mac::kInTiles && !std::is_same_v<V, Wide>)
      __builtin_unreachable();
    else
      visit<V, C>();
  }

  // A panel of pairs, whose words are floats.
  void run_pairs() {
    if constexpr (std::is_same_v<Mac, MacF32>) {
      for_pairs(panel.shape.pairs,
                [&](auto pairs) { visit<Wide, (pairs + 1) / 2, MacPairs<pairs>>(); });
    }
  }

  template <class V, int C, class By = Mac>
  void visit() {
    PanelBlock<By, V, C> block(panel, kv, head.d, head.diagonal, head.scale, s);
    block.score();
    block.weigh();
    block.add_weighted_values();
  }
};

// Divides by the sums, writes O and the log-sum-exp. A row without a visible key has sum 0: O = 0,
// L = -inf.
struct ClosePanel {
  const Head& head;
  const Panel& panel;
  float* stage;

  template <class V, int C>
  void run() {
    constexpr int kW = kLanes<V>;
    float factor[kPanelVectors * kLanes<Wide>];
    for (int r = 0; r < panel.width; ++r) factor[r] = panel.sum[r] == 0 ? 0 : 1 / panel.sum[r];
    if (panel.shape.pairs > 0) write_rows(factor);
    for (int c = 0; c < C && panel.shape.pairs == 0; ++c) {
      const std::int64_t row = panel.shape.first_row + c * kW;
      unpack_rows<V>(panel.o, panel.width, c * kW, head.d, factor + c * kW, head.dtype,
                     element(head.dtype, head.o.data, row * head.o.stride), head.o.stride,
                     panel.shape.rows - c * kW, stage);
    }
    if (head.lse == nullptr) return;
    for (int r = 0; r < panel.shape.rows; ++r) {
      head.lse[panel.shape.first_row + r] = log_sum_exp(panel.max[r], panel.sum[r]);
    }
  }

  void write_rows(const float* factor) const {
    for (int r = 0; r < panel.shape.rows; ++r) {
      float* o = panel.o + r * Arena::padded(head.d);
      for (int c = 0; c < head.d; ++c) o[c] *= factor[r];
      const std::int64_t at = (panel.shape.first_row + r) * head.o.stride;
      narrow_row(head.dtype, o, element(head.dtype, head.o.data, at), head.d);
    }
  }
};

#if SB_ISA_DOT
// Values of two keys side by side in a word: to[j / 2][c] = v[j][c] | v[j + 1][c] << 16. An odd
// last key is paired with zeros.
inline void pair_keys(const std::uint16_t* v, std::int64_t stride, int count, int d, float* to,
                      std::int64_t to_stride) {
  for (int j = 0; j < count; j += 2, v += 2 * stride, to += to_stride) {
    const std::uint16_t* next = v + stride;
    int c = 0;
    for (; j + 1 < count && c + 16 <= d; c += 16) {
      const __m512i low = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i*)(v + c)));
      const __m512i high = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i*)(next + c)));
      _mm512_storeu_si512(to + c, _mm512_or_si512(low, _mm512_slli_epi32(high, 16)));
    }
    for (; c < d; ++c) {
      const std::uint32_t high = j + 1 < count ? next[c] : 0;
      const std::uint32_t word = v[c] | high << 16;
      std::memcpy(to + c, &word, sizeof word);
    }
  }
}
#endif

// Keys [first, first + count) as words of the Mac.
template <class Mac>
inline KvBlock open_block(const Head& head, std::int64_t first, int count,
                          const FlashWorkspace& w) {
  KvBlock kv{.first_key = first, .keys = count};
  const void* k = element(head.dtype, head.k.data, first * head.k.stride);
  const void* v = element(head.dtype, head.v.data, first * head.v.stride);
#if SB_ISA_AMX
  if constexpr (Mac::kInTiles) {
    const auto* keys = static_cast<const std::uint16_t*>(k);
    const bool whole = count % kTileWords == 0 && head.d % (2 * kTileWords) == 0;
    kv.k = whole ? static_cast<const float*>(k) : w.k;
    kv.k_stride = whole ? head.k.stride / 2 : Arena::padded(head.d / 2);
    if (!whole) copy_keys(keys, head.k.stride, count, head.d, w.k, kv.k_stride);
    kv.v = w.v;
    kv.v_stride = Arena::padded((count + 1) / 2);
    transpose_values(static_cast<const std::uint16_t*>(v), head.v.stride, count, head.d, w.v,
                     kv.v_stride);
    return kv;
  }
#endif
#if SB_ISA_DOT
  if constexpr (Mac::kPerWord == 2) {
    kv.k = static_cast<const float*>(k);
    kv.k_stride = head.k.stride / 2;
    kv.v = w.v;
    kv.v_stride = value_row_floats(head.d);
    pair_keys(static_cast<const std::uint16_t*>(v), head.v.stride, count, head.d, w.v, kv.v_stride);
    return kv;
  }
#endif
  const bool floats = head.dtype == Dtype::kF32;
  kv.k = floats ? static_cast<const float*>(k) : w.k;
  kv.k_stride = floats ? head.k.stride : head.d;
  if (!floats) widen_rows(head.dtype, {k, head.k.stride}, count, head.d, w.k, kv.k_stride);
  kv.v = floats ? static_cast<const float*>(v) : w.v;
  kv.v_stride = floats ? head.v.stride : value_row_floats(head.d);
  if (!floats) widen_rows(head.dtype, {v, head.v.stride}, count, head.d, w.v, kv.v_stride);
  return kv;
}

// What panel `index` of `count` brings into the second-level cache while it meets a block: a group
// the next block's values and keys, one panel each; a panel on its own this block's values, then
// the next block's keys. Waiting for these lines cost a tenth of the time at d 128. Rows with gaps
// between them are left to the hardware.
inline void fetch_on_the_way(const Head& head, int index, int count, KvBlock& kv) {
  kv.far = kv.next = nullptr;
  if (head.k.stride != head.d || head.v.stride != head.d) return;
  const auto rows_from = [&](const Rows<const void*>& rows, std::int64_t key) {
    return static_cast<const float*>(element(head.dtype, rows.data, key * rows.stride));
  };
  const std::int64_t end = kv.first_key + kv.keys;
  const bool more = end + kv.keys <= head.n;
  if (count == 1) {
    kv.far = rows_from(head.v, kv.first_key);
    if (more) kv.next = rows_from(head.k, end);
  } else if (more && index < 2) {
    kv.far = rows_from(index == 0 ? head.v : head.k, end);
  }
}

// Panels of the group with nothing seen yet. Returns the keys that its last row sees.
template <class Mac>
inline std::int64_t open_panels(const Head& head, const PanelShape* shapes, int count,
                                FlashWorkspace& w) {
  std::int64_t seen = 0;
  for (int p = 0; p < count; ++p) {
    w.panels[p].shape = shapes[p];
    w.panels[p].width = shapes[p].width(kLanes<Wide>);
    for_panel_type(shapes[p], OpenPanel<Mac>{head, w.panels[p], w.stage});
    const std::int64_t last = shapes[p].first_row + shapes[p].rows - 1;
    seen = std::max(seen, visible_keys(last, head.diagonal, head.n));
  }
  return seen;
}

template <class Mac>
inline void visit_keys(const Head& head, int count, std::int64_t end, int key_block,
                       const FlashWorkspace& w) {
  for (std::int64_t first = 0; first < end; first += key_block) {
    const int keys = static_cast<int>(std::min<std::int64_t>(key_block, end - first));
    KvBlock kv = open_block<Mac>(head, first, keys, w);
    for (int p = 0; p < count; ++p) {
      const PanelShape& shape = w.panels[p].shape;
      const std::int64_t last = shape.first_row + shape.rows - 1;
      if (visible_keys(last, head.diagonal, head.n) <= first) continue;
      fetch_on_the_way(head, p, count, kv);
      VisitBlock<Mac> visit{head, w.panels[p], kv, w.s};
      shape.pairs > 0 ? visit.run_pairs() : for_panel_type(shape, visit);
    }
  }
}

template <class Mac>
inline void flash_group_with(const Head& head, const PanelShape* shapes, int count, int key_block,
                             float* workspace) {
  FlashWorkspace w;
  take_workspace(Arena(workspace), head.d, key_block, w);
  const std::int64_t seen = open_panels<Mac>(head, shapes, count, w);
  visit_keys<Mac>(head, count, seen, key_block, w);
  for (int p = 0; p < count; ++p) {
    for_panel_type(shapes[p], ClosePanel{head, w.panels[p], w.stage});
  }
}
