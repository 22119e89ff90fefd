// Included inside a region.
// clang-format off
#include "suites/attention/panel-inl.h"
#include "suites/attention/flash-inl.h"
#include "suites/attention/stored-inl.h"
#include "suites/attention/row-inl.h"
// clang-format on

// The query heads of a group as rows of a panel: one read of keys and values serves all of them.
// The accumulators leave as they are, for the merge.
struct ExportPanel {
  const Panel& panel;
  const DecodePart& part;
  float* stage;

  template <class V, int C>
  void run() {
    constexpr int kW = kLanes<V>;
    float ones[kW];
    std::fill_n(ones, kW, 1.0f);
    const std::int64_t first = panel.shape.first_row;
    for (int c = 0; c < C; ++c) {
      unpack_rows<V>(panel.o, panel.width, c * kW, part.head.d, ones, Dtype::kF32,
                     part.out.o + (first + c * kW) * part.out.stride, part.out.stride,
                     panel.shape.rows - c * kW, stage);
    }
    std::copy_n(panel.max, panel.shape.rows, part.out.max + first);
    std::copy_n(panel.sum, panel.shape.rows, part.out.sum + first);
    if (part.top != nullptr) std::copy_n(panel.top, panel.shape.rows, part.top + first);
  }
};

inline void decode_packed(const DecodePart& part, float* workspace) {
  FlashWorkspace w;
  take_workspace(Arena(workspace), part.head.d, part.block, w);
  for (Panel& panel : w.panels) panel.fixed = part.top != nullptr;
  for (int begin = 0; begin < part.panel_count; begin += kGroupPanels) {
    const int count = std::min(kGroupPanels, part.panel_count - begin);
    open_panels<MacF32>(part.head, part.panels + begin, count, w);
    visit_keys<MacF32>(part.head, count, part.first, part.end, part.block, w);
    for (int p = 0; p < count; ++p) {
      for_panel_type(part.panels[begin + p], ExportPanel{w.panels[p], part, w.stage});
    }
  }
}

// One query head after the other, each with its own read of keys and values.
inline void decode_rows(const DecodePart& part, float* workspace) {
  const Head& head = part.head;
  Arena arena(workspace);
  float* q = arena.take(Arena::padded(head.d));
  float* s = arena.take(part.block + kLanes<Wide>);
  for (std::int64_t r = part.first_row; r < part.end_row; ++r) {
    std::fill_n(q, Arena::padded(head.d), 0.0f);
    widen_row(head.dtype, element(head.dtype, head.q.data, r * head.q.stride), q, head.d);
    const bool fixed = part.top != nullptr;
    RowState row{fixed ? kUnifiedMax : kNothingYet, 0, kNothingYet,
                 part.out.o + r * part.out.stride};
    std::fill_n(row.o, Arena::padded(head.d), 0.0f);
    for_stored_type(head.dtype, [&](auto* type) {
      using T = std::remove_cv_t<std::remove_pointer_t<decltype(type)>>;
      const auto* k = static_cast<const T*>(head.k.data);
      const auto* v = static_cast<const T*>(head.v.data);
      for (std::int64_t j = part.first; j < part.end; j += part.block) {
        const int keys = static_cast<int>(std::min<std::int64_t>(part.block, part.end - j));
        visit_row_block(q, k + j * head.k.stride, head.k.stride, v + j * head.v.stride,
                        head.v.stride, keys, head.d, head.scale, fixed, s, row);
      }
    });
    part.out.max[r] = row.max;
    part.out.sum[r] = row.sum;
    if (fixed) part.top[r] = row.top;
  }
}
