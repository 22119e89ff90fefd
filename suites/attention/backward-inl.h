// Backward (FlashAttention-2, arXiv 2307.08691, algorithm 2) with five matrix products:
//   P = exp(S - L)    dV += P^T dO    dS = P (dO V^T - delta)    dQ += dS K    dK += dS^T Q
// Key blocks outside, groups of panels inside. S^T, dP^T and dQ^T are the forward pass's tiles; dV
// and dK are the same tile with lanes over columns. Included inside a region.
// clang-format off
#include "suites/attention/panel-inl.h"
#include "suites/attention/flash-inl.h"
// clang-format on

struct BackwardPanel {
  Panel q;       // Q^T
  Panel d_o;     // dO^T, and dQ^T in `o`
  float* lse;    // in the log2 domain; +inf where a row is missing or sees nothing: P = 0
  float* delta;  // sum of dO * O
  float* p;      // [key][width]
  float* ds;
};

struct BackwardWorkspace {
  float* dk;
  float* dv;
  float* q_rows;  // as floats in whole registers of columns, where they are not so in place
  float* do_rows;
  float* k;  // a block as floats, likewise
  float* v;
  float* stage;
  float* panels;  // the rest: panels one after the other
};

inline BackwardWorkspace take_backward(const BackwardTask& t, float* workspace) {
  Arena arena(workspace);
  const std::int64_t d = Arena::padded(t.head.d);
  BackwardWorkspace w;
  w.dk = arena.take(kBackwardKeys * d);
  w.dv = arena.take(kBackwardKeys * d);
  w.stage = arena.take((kLanes<Wide> + 1) * d);
  w.k = arena.take(kBackwardKeys * value_row_floats(t.head.d));
  w.v = arena.take(kBackwardKeys * value_row_floats(t.head.d));
  w.q_rows = arena.take(t.m * d);
  w.do_rows = arena.take(t.m * d);
  w.panels = arena.take(0);
  return w;
}

// Where panel `index` lies. Probabilities are shared by panels `index` modulo the group's size.
inline BackwardPanel panel_at(const BackwardTask& t, const BackwardWorkspace& w, int index) {
  const int widest = kPanelVectors * kLanes<Wide>;
  const std::int64_t d = Arena::padded(t.head.d);
  const std::int64_t tile = Arena::padded(kBackwardKeys * widest);
  Arena tiles(w.panels + 2 * tile * (index % kGroupPanels));
  Arena own(w.panels + 2 * tile * kGroupPanels +
            index * (3 * Arena::padded(d * widest) + 2 * Arena::padded(widest)));
  BackwardPanel panel;
  panel.p = tiles.take(tile);
  panel.ds = tiles.take(tile);
  panel.q.shape = panel.d_o.shape = t.panels[index];
  panel.q.width = panel.d_o.width = t.panels[index].width(kLanes<Wide>);
  panel.q.q = own.take(d * widest);
  panel.d_o.q = own.take(d * widest);
  panel.d_o.o = own.take(d * widest);
  panel.lse = own.take(widest);
  panel.delta = own.take(widest);
  return panel;
}

struct PackBackward {
  const BackwardTask& t;
  const BackwardPanel& panel;
  float* stage;
  bool first;

  template <class V, int C>
  void run() {
    constexpr int kW = kLanes<V>;
    const Panel& q = panel.q;
    for (int c = 0; c < C; ++c) {
      const std::int64_t row = q.shape.first_row + c * kW;
      const int count = q.shape.rows - c * kW;
      const auto pack = [&](Dtype dtype, const Rows<const void*>& rows, float* to) {
        pack_rows<V>(dtype, element(dtype, rows.data, row * rows.stride), rows.stride, count,
                     t.head.d, to, q.width, c * kW, stage);
      };
      pack(t.head.dtype, t.head.q, q.q);
      pack(t.head.dtype, t.d_o, panel.d_o.q);
      if (!first) pack(Dtype::kF32, {t.dq.data, t.dq.stride}, panel.d_o.o);
    }
    if (first) std::fill_n(panel.d_o.o, Arena::padded(t.head.d) * q.width, 0.0f);
    statistics();
  }

  void statistics() const {
    constexpr float kLog2E = 1.4426950408889634f;
    for (int r = 0; r < panel.q.width; ++r) {
      panel.lse[r] = INFINITY;
      panel.delta[r] = 0;
      if (r >= panel.q.shape.rows) continue;
      const std::int64_t row = panel.q.shape.first_row + r;
      if (t.lse[row] != -INFINITY) panel.lse[r] = t.lse[row] * kLog2E;
      float* o = stage;
      float* d_o = stage + Arena::padded(t.head.d);
      widen_row(t.head.dtype, element(t.head.dtype, t.o.data, row * t.o.stride), o, t.head.d);
      widen_row(t.head.dtype, element(t.head.dtype, t.d_o.data, row * t.d_o.stride), d_o, t.head.d);
      float sum[16] = {};
      for (int c = 0; c < t.head.d; ++c) sum[c % 16] += o[c] * d_o[c];
      for (const float part : sum) panel.delta[r] += part;
    }
  }
};

struct UnpackGradient {
  const BackwardTask& t;
  const BackwardPanel& panel;
  float* stage;
  float factor;

  template <class V, int C>
  void run() {
    constexpr int kW = kLanes<V>;
    float factors[kW];
    std::fill_n(factors, kW, factor);
    for (int c = 0; c < C; ++c) {
      const std::int64_t row = panel.q.shape.first_row + c * kW;
      unpack_rows<V>(panel.d_o.o, panel.q.width, c * kW, t.head.d, factors, Dtype::kF32,
                     t.dq.data + row * t.dq.stride, t.dq.stride, panel.q.shape.rows - c * kW,
                     stage);
    }
  }
};

// Panels stream past a block of keys, from the last level where all of them outgrow the second:
// each product brings in its part of the next panel.
struct DifferentiateBlock {
  const BackwardTask& t;
  const BackwardPanel& panel;
  const BackwardPanel& next;
  KvBlock kv;

  template <class V, int C>
  void run() {
    KvBlock swapped = kv;
    std::swap(swapped.k, swapped.v);
    std::swap(swapped.k_stride, swapped.v_stride);
    kv.far = next.q.q;
    swapped.far = next.d_o.q;
    swapped.next = next.d_o.o;
    PanelBlock<MacF32, V, C> scores(panel.q, kv, t.head.d, t.head.diagonal, t.head.scale, panel.p);
    PanelBlock<MacF32, V, C> gradient(panel.d_o, swapped, t.head.d, t.head.diagonal, t.head.scale,
                                      panel.ds);
    scores.score();
    gradient.score_unmasked();
    gradient.differentiate(panel.p, panel.lse, panel.delta);
    gradient.add_weighted_values();
  }
};

// A block of keys and the panels of a group that see some of it.
struct VisibleGroup {
  const BackwardPanel* panels;
  int count;
  std::int64_t first_key;
  int keys;
  Diagonal diagonal;

  // The first row of a panel that sees key `key` of the block or one after it. Rows before it have
  // weight 0 there: on the diagonal that is half of what a whole panel and block would multiply.
  int first_row(const PanelShape& panel, int key) const {
    const std::int64_t row = first_key + key - diagonal + 1 - panel.first_row;
    return static_cast<int>(std::clamp<std::int64_t>(row, 0, panel.rows));
  }
};

// to[key][column] += sum over the rows of the panels of weight[key][row] * x[row][column], for R
// keys and C registers of columns.
template <int R, int C, class WeightsOf>
SB_INLINE void product_tile(const VisibleGroup& group, WeightsOf weights_of, int key,
                            const float* x, std::int64_t stride, float* to,
                            std::int64_t to_stride) {
  Wide acc[R][C];
  SB_UNROLL
  for (int r = 0; r < R; ++r) {
    SB_UNROLL
    for (int c = 0; c < C; ++c) acc[r][c] = broadcast<Wide>(0.0f);
  }
  for (int p = 0; p < group.count; ++p) {
    const Panel& panel = group.panels[p].q;
    const float* words[R];
    SB_UNROLL
    for (int r = 0; r < R; ++r) words[r] = weights_of(group.panels[p]) + (key + r) * panel.width;
    const float* rows = x + panel.shape.first_row * stride;
    const int begin = group.first_row(panel.shape, key);
    const int end = panel.shape.rows;
    SB_UNROLL_2
    for (int i = begin; i < end; ++i) mac_step<MacF32>(rows + i * stride, words, i, acc);
  }
  SB_UNROLL
  for (int r = 0; r < R; ++r) {
    SB_UNROLL
    for (int c = 0; c < C; ++c) {
      float* sum = to + r * to_stride + c * kLanes<Wide>;
      store(sum, add(load<Wide>(sum), acc[r][c]));
    }
  }
}

template <int C, class WeightsOf>
SB_INLINE void product_columns(const VisibleGroup& group, WeightsOf weights_of, const float* x,
                               std::int64_t stride, float* to, std::int64_t to_stride) {
  // As in kTile: 24 accumulators where there are 32 registers.
  constexpr int kKeys = SB_ISA_SIMD == 16 ? 6 : 4;
  int j = 0;
  for (; j + kKeys <= group.keys; j += kKeys) {
    product_tile<kKeys, C>(group, weights_of, j, x, stride, to + j * to_stride, to_stride);
  }
  for (; j < group.keys; ++j) {
    product_tile<1, C>(group, weights_of, j, x, stride, to + j * to_stride, to_stride);
  }
}

template <class WeightsOf>
SB_NOINLINE void add_product(const VisibleGroup& group, WeightsOf weights_of, const float* x,
                             std::int64_t stride, int d, float* to, std::int64_t to_stride) {
  constexpr int kColumns = SB_ISA_SIMD == 16 ? 4 : 2;
  constexpr int kW = kLanes<Wide>;
  int c = 0;
  for (; c + kColumns * kW <= d; c += kColumns * kW) {
    product_columns<kColumns>(group, weights_of, x + c, stride, to + c, to_stride);
  }
  for (; c < d; c += kW) {
    product_columns<1>(group, weights_of, x + c, stride, to + c, to_stride);
  }
}

// Floats in whole registers of columns: as they are, or a padded copy.
inline Rows<const float*> whole_registers(Dtype dtype, const Rows<const void*>& rows,
                                          std::int64_t count, int d, float* copy) {
  if (dtype == Dtype::kF32 && d % kLanes<Wide> == 0) {
    return {static_cast<const float*>(rows.data), rows.stride};
  }
  const std::int64_t stride = Arena::padded(d);
  widen_rows(dtype, rows, count, d, copy, stride);
  for (std::int64_t i = 0; i < count; ++i) std::fill_n(copy + i * stride + d, stride - d, 0.0f);
  return {copy, stride};
}

// Keys [first, first + keys) as floats, rows a distance apart that suits a tile of columns.
inline KvBlock open_backward_block(const Head& head, std::int64_t first, int keys,
                                   const BackwardWorkspace& w) {
  const auto open = [&](const Rows<const void*>& rows, float* copy) -> Rows<const float*> {
    const void* from = element(head.dtype, rows.data, first * rows.stride);
    if (head.dtype == Dtype::kF32 && rows.stride % 128 != 0) {
      return {static_cast<const float*>(from), rows.stride};
    }
    widen_rows(head.dtype, {from, rows.stride}, keys, head.d, copy, value_row_floats(head.d));
    return {copy, value_row_floats(head.d)};
  };
  const Rows<const float*> k = open(head.k, w.k);
  const Rows<const float*> v = open(head.v, w.v);
  return {.k = k.data,
          .v = v.data,
          .k_stride = k.stride,
          .v_stride = v.stride,
          .first_key = first,
          .keys = keys};
}

inline void write_block(const float* sums, std::int64_t stride, int keys, int d, float factor,
                        bool add, const Rows<float*>& to) {
  for (int j = 0; j < keys; ++j) {
    const float* from = sums + j * stride;
    float* row = to.data + j * to.stride;
    for (int c = 0; c < d; ++c) row[c] = (add ? row[c] : 0) + factor * from[c];
  }
}

// The first panel that sees key `first`; every later one does.
inline int first_panel(const BackwardTask& t, std::int64_t first) {
  int p = 0;
  while (p < t.panel_count && visible_keys(t.panels[p].first_row + t.panels[p].rows - 1,
                                           t.head.diagonal, t.head.n) <= first) {
    ++p;
  }
  return p;
}

inline void backward_block(const BackwardTask& t, const BackwardWorkspace& w, std::int64_t first,
                           const Rows<const float*>& q, const Rows<const float*>& d_o) {
  const Head& head = t.head;
  const std::int64_t stride = Arena::padded(head.d);
  const int keys = static_cast<int>(std::min<std::int64_t>(kBackwardKeys, head.n - first));
  const KvBlock kv = open_backward_block(head, first, keys, w);
  std::fill_n(w.dk, keys * stride, 0.0f);
  std::fill_n(w.dv, keys * stride, 0.0f);
  const std::int64_t next_block = first + t.block_step * kBackwardKeys;
  const int first_of_next = std::min(first_panel(t, next_block), t.panel_count - 1);
  for (int begin = first_panel(t, first); begin < t.panel_count; begin += kGroupPanels) {
    BackwardPanel panels[kGroupPanels];
    int count = 0;
    for (int p = begin; p < std::min(begin + kGroupPanels, t.panel_count); ++p) {
      BackwardPanel& panel = panels[count++] = panel_at(t, w, p);
      if (t.repack) for_panel_type(t.panels[p], PackBackward{t, panel, w.stage, false});
      const BackwardPanel next = panel_at(t, w, p + 1 < t.panel_count ? p + 1 : first_of_next);
      for_panel_type(t.panels[p], DifferentiateBlock{t, panel, next, kv});
      if (t.repack) for_panel_type(t.panels[p], UnpackGradient{t, panel, w.stage, 1});
    }
    const auto p_of = [](const BackwardPanel& panel) { return panel.p; };
    const auto ds_of = [](const BackwardPanel& panel) { return panel.ds; };
    const VisibleGroup group{panels, count, first, keys, head.diagonal};
    add_product(group, p_of, d_o.data, d_o.stride, head.d, w.dv, stride);
    add_product(group, ds_of, q.data, q.stride, head.d, w.dk, stride);
  }
  constexpr float kLn2 = 0.6931471805599453f;
  write_block(w.dv, stride, keys, head.d, 1, t.add, {t.dv.data + first * t.dv.stride, t.dv.stride});
  write_block(w.dk, stride, keys, head.d, head.scale * kLn2, t.add,
              {t.dk.data + first * t.dk.stride, t.dk.stride});
}

inline void backward_head(const BackwardTask& t, float* workspace) {
  const BackwardWorkspace w = take_backward(t, workspace);
  const Rows<const float*> q = whole_registers(t.head.dtype, t.head.q, t.m, t.head.d, w.q_rows);
  const Rows<const float*> d_o = whole_registers(t.head.dtype, t.d_o, t.m, t.head.d, w.do_rows);
  const auto each_panel = [&](auto&& visit) {
    for (int p = 0; p < t.panel_count; ++p) visit(t.panels[p], panel_at(t, w, p));
  };
  each_panel([&](const PanelShape& shape, const BackwardPanel& panel) {
    for_panel_type(shape, PackBackward{t, panel, w.stage, true});
    if (t.repack) for_panel_type(shape, UnpackGradient{t, panel, w.stage, 0});
  });
  for (std::int64_t first = t.first_block * kBackwardKeys; first < t.head.n;
       first += t.block_step * kBackwardKeys) {
    backward_block(t, w, first, q, d_o);
  }
  constexpr float kLn2 = 0.6931471805599453f;
  each_panel([&](const PanelShape& shape, const BackwardPanel& panel) {
    if (t.repack) for_panel_type(shape, PackBackward{t, panel, w.stage, false});
    for_panel_type(shape, UnpackGradient{t, panel, w.stage, t.head.scale * kLn2});
  });
}

// A finished row of a gradient: the sum of its `count` shares, in the type of the output.
inline void finish_row(float* shares, std::int64_t share_stride, std::int64_t count, int d,
                       Dtype dtype, void* to) {
  for (std::int64_t share = 1; share < count; ++share) {
    for (int c = 0; c < d; ++c) shares[c] += shares[share * share_stride + c];
  }
  narrow_row(dtype, shares, to, d);
}
