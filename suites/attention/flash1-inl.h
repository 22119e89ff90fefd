// Included inside a region.
// clang-format off
#include "suites/attention/panel-inl.h"
#include "suites/attention/flash-inl.h"
// clang-format on

// Takes a panel's rows of O, normalised over the keys seen so far, back as an accumulator.
struct ReopenPanel {
  const Head& head;
  const Panel& panel;
  float* stage;

  template <class V, int C>
  void run() {
    constexpr int kW = kLanes<V>;
    for (int c = 0; c < C; ++c) {
      const std::int64_t row = panel.shape.first_row + c * kW;
      pack_rows<V>(Dtype::kF32, element(Dtype::kF32, head.o.data, row * head.o.stride),
                   head.o.stride, panel.shape.rows - c * kW, head.d, panel.o, panel.width, c * kW,
                   stage);
    }
    for (int column = 0; column < head.d; ++column) {
      for (int c = 0; c < C; ++c) {
        float* o = panel.o + column * panel.width + c * kW;
        store(o, mul(load<V>(panel.sum + c * kW), load<V>(o)));
      }
    }
  }
};

// FlashAttention-1, algorithm 1: key blocks outside, query panels inside; every visit reads a
// panel's queries, O and statistics from memory and leaves O fully normalised there.
// `max` and `sum` hold a register's width per panel register, zeros of rows included.
inline void flash1_head(const Head& head, const PanelShape* shapes, int count, int key_block,
                        float* workspace, float* max, float* sum) {
  FlashWorkspace w;
  take_workspace(Arena(workspace), head.d, key_block, w);
  Panel& panel = w.panels[0];
  std::int64_t seen = 1;  // a first visit even without a visible key: it writes the zeros
  for (int p = 0; p < count; ++p) {
    const std::int64_t last = shapes[p].first_row + shapes[p].rows - 1;
    seen = std::max(seen, visible_keys(last, head.diagonal, head.n));
  }
  for (std::int64_t first = 0; first < seen; first += key_block) {
    const int keys = static_cast<int>(std::min<std::int64_t>(key_block, head.n - first));
    const KvBlock kv = open_block<MacF32>(head, first, keys, w);
    std::int64_t at = 0;
    for (int p = 0; p < count; at += shapes[p].width(kLanes<Wide>), ++p) {
      const std::int64_t last = shapes[p].first_row + shapes[p].rows - 1;
      if (first > 0 && visible_keys(last, head.diagonal, head.n) <= first) continue;
      panel.shape = shapes[p];
      panel.width = shapes[p].width(kLanes<Wide>);
      for_panel_type(panel.shape, OpenPanel<MacF32>{head, panel, w.stage});
      if (first > 0) {
        std::copy_n(max + at, panel.width, panel.max);
        std::copy_n(sum + at, panel.width, panel.sum);
        for_panel_type(panel.shape, ReopenPanel{head, panel, w.stage});
      }
      for_panel_type(panel.shape, VisitBlock<MacF32>{head, panel, kv, w.s});
      for_panel_type(panel.shape, ClosePanel{head, panel, w.stage});
      std::copy_n(panel.max, panel.width, max + at);
      std::copy_n(panel.sum, panel.width, sum + at);
    }
  }
}
