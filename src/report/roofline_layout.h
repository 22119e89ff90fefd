// Where things stand in a roofline picture: axes, lines, and labels that do not collide.
#pragma once

#include <string>
#include <vector>

#include "report/roofline.h"

namespace sb {

// Pixels, origin at the lower left.
struct PixelBox {
  double left = 0, right = 0, bottom = 0, top = 0;
};

// A log-log plane in a box of pixels. Axis ends are decimal logarithms.
struct LogPlane {
  PixelBox box;
  double x0 = 0, x1 = 1, y0 = 0, y1 = 1;

  double px(double x) const;
  double py(double y) const;
  double slope_angle() const;  // degrees of a line y = c x
};

struct PlacedLabel {
  std::string text;
  double x = 0, y = 0;                // of the left end of its middle line
  double angle = 0;                   // degrees
  double leader_x = 0, leader_y = 0;  // where a leader line begins; equal to x, y if it needs none
  bool has_leader = false;
};

struct PlacedRoof {
  RoofLine line;
  double x_begin = 0, y_begin = 0, x_end = 0, y_end = 0;  // FLOP/B, GFLOP/s
};

struct PanelLayout {
  LogPlane plane;
  std::vector<PlacedRoof> roofs;
  std::vector<PlacedLabel> roof_labels;
  std::vector<PlacedLabel> point_labels;
  int unlabelled = 0;  // points whose number found no free place: the table still has them
};

PanelLayout layout_panel(const Roofline& roofline, const RooflinePanel& panel, const PixelBox& box);

// The space a label covers, as discs along its line. Two labels collide if any of their discs do.
struct Disc {
  double x = 0, y = 0, r = 0;
};
std::vector<Disc> discs_of(const PlacedLabel& label, double font_px);
bool collide(const std::vector<Disc>& a, const std::vector<Disc>& b);

inline constexpr double kRoofFontPx = 11;
inline constexpr double kPointFontPx = 10;

}  // namespace sb
