#include "suites/attention/panel.h"

#include <algorithm>

namespace sb::attention {
namespace {

// Registers of the next panel when fewer than a full panel's rows are left. A rest of at most half
// a register goes to a half-width panel; 3 + 1 registers are better as 2 + 2, because a panel one
// register wide is bound by its loads.
int vectors_for(std::int64_t left, int lanes) {
  const std::int64_t half = lanes / 2;
  if (left <= half) return 0;
  if (left > (kPanelVectors + 1) * lanes) return kPanelVectors;
  const std::int64_t whole = left / lanes;
  const bool half_rest = left % lanes != 0 && left % lanes <= half;
  if (whole == kPanelVectors && left % lanes > half) return 2;
  if (whole == kPanelVectors + 1) return 2;
  if (whole >= kPanelVectors) return kPanelVectors;
  return static_cast<int>(half_rest && whole > 0 ? whole : (left + lanes - 1) / lanes);
}

}  // namespace

std::vector<PanelShape> plan_panels(std::int64_t m, int lanes) {
  std::vector<PanelShape> panels;
  for (std::int64_t row = 0; row < m;) {
    PanelShape panel{.first_row = row, .vectors = vectors_for(m - row, lanes)};
    panel.rows = static_cast<int>(std::min<std::int64_t>(panel.width(lanes), m - row));
    row += panel.rows;
    panels.push_back(panel);
  }
  return panels;
}

std::vector<PanelShape> plan_panels_with_pairs(std::int64_t m) {
  constexpr int kLanes = 16, kFull = kPanelVectors * kLanes, kMostPairs = 5;
  std::vector<PanelShape> panels;
  for (std::int64_t row = 0; row < m;) {
    PanelShape panel{.first_row = row, .vectors = kPanelVectors};
    panel.rows = static_cast<int>(std::min<std::int64_t>(kFull, m - row));
    if (panel.rows <= 8 * kMostPairs) {
      panel.pairs = (panel.rows + 7) / 8;
      panel.vectors = (panel.pairs + 1) / 2;
    }
    row += panel.rows;
    panels.push_back(panel);
  }
  return panels;
}

}  // namespace sb::attention
