#include "report/roofline_layout.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace sb {
namespace {

constexpr double kCharWidth = 0.58;  // of the font size, for a sans-serif face
constexpr double kMarkPx = 5;

LogPlane plane_of(const Roofline& roofline, const RooflinePanel& panel, const PixelBox& box) {
  double x_lo = HUGE_VAL, x_hi = 0, y_lo = HUGE_VAL, y_hi = 0;
  for (const std::size_t index : panel.points) {
    const RooflinePoint& point = roofline.points[index];
    x_lo = std::min(x_lo, point.intensity);
    x_hi = std::max(x_hi, point.intensity);
    y_lo = std::min(y_lo, point.gflops_lo);
    y_hi = std::max(y_hi, point.gflops_hi);
  }
  double slowest = HUGE_VAL, fastest = 0, flops = 0;
  for (const RoofLine& roof : panel.roofs) {
    if (roof.is_flops) flops = std::max(flops, roof.value);
    if (!roof.is_flops) slowest = std::min(slowest, roof.value);
    if (!roof.is_flops) fastest = std::max(fastest, roof.value);
  }
  // Room for the ridges of the slowest memory and of the fastest cache, so that all roofs are seen.
  double ridge_lo = x_lo;
  if (flops > 0 && fastest > 0) {
    x_hi = std::max(x_hi, flops / slowest);
    ridge_lo = flops / fastest;
  }
  y_hi = std::max(y_hi, flops);
  if (flops == 0 && slowest < HUGE_VAL) y_hi = std::max(y_hi, slowest * x_lo);
  LogPlane plane;
  plane.box = box;
  plane.x0 = std::min(std::log10(x_lo) - 0.7, std::log10(ridge_lo) - 0.8);
  plane.x1 = std::max(std::log10(x_hi) + 0.5, plane.x0 + 1.5);
  // A panel with little between its points and its ceiling grows downwards, where the slopes are.
  plane.y1 = std::log10(y_hi) + 0.2;
  plane.y0 = std::min(std::log10(y_lo) - 0.25, plane.y1 - 1.8);
  return plane;
}

// Bandwidth roofs end at the highest FLOP roof; FLOP roofs begin at the fastest bandwidth roof.
std::vector<PlacedRoof> place_roofs(const RooflinePanel& panel, const LogPlane& plane) {
  double flops = 0, bandwidth = 0;
  for (const RoofLine& roof : panel.roofs) {
    double& best = roof.is_flops ? flops : bandwidth;
    best = std::max(best, roof.value);
  }
  const double x_min = std::pow(10, plane.x0), x_max = std::pow(10, plane.x1);
  const double y_min = std::pow(10, plane.y0), y_max = std::pow(10, plane.y1);
  std::vector<PlacedRoof> placed;
  for (const RoofLine& roof : panel.roofs) {
    PlacedRoof line{roof, 0, 0, 0, 0};
    if (roof.is_flops) {
      line.x_begin = bandwidth > 0 ? std::max(x_min, roof.value / bandwidth) : x_min;
      line.x_end = x_max;
      line.y_begin = line.y_end = roof.value;
    } else {
      const double top = flops > 0 ? std::min(flops, y_max) : y_max;
      line.x_begin = std::max(x_min, y_min / roof.value);
      line.x_end = std::min(x_max, top / roof.value);
      line.y_begin = roof.value * line.x_begin;
      line.y_end = roof.value * line.x_end;
    }
    if (line.x_begin < line.x_end) placed.push_back(line);
  }
  return placed;
}

bool inside(const std::vector<Disc>& discs, const PixelBox& box) {
  return std::all_of(discs.begin(), discs.end(), [&](const Disc& d) {
    return d.x - d.r >= box.left && d.x + d.r <= box.right && d.y - d.r >= box.bottom &&
           d.y + d.r <= box.top;
  });
}

class Placer {
 public:
  explicit Placer(const PixelBox& box) : box_(box) {}

  void block(double x, double y, double r) { taken_.push_back({{x, y, r}}); }

  bool place(const PlacedLabel& label, double font_px) {
    const std::vector<Disc> discs = discs_of(label, font_px);
    if (!inside(discs, box_)) return false;
    for (const auto& other : taken_) {
      if (collide(discs, other)) return false;
    }
    taken_.push_back(discs);
    return true;
  }

 private:
  PixelBox box_;
  std::vector<std::vector<Disc>> taken_;
};

// A line as discs too small to touch the text that stands on it.
std::vector<Disc> discs_along(const PlacedRoof& roof, const LogPlane& plane) {
  const double x0 = plane.px(roof.x_begin), y0 = plane.py(roof.y_begin);
  const double x1 = plane.px(roof.x_end), y1 = plane.py(roof.y_end);
  const int steps = static_cast<int>(std::ceil(std::hypot(x1 - x0, y1 - y0) / 3));
  std::vector<Disc> discs;
  for (int i = 0; i <= steps; ++i) {
    discs.push_back({x0 + (x1 - x0) * i / steps, y0 + (y1 - y0) * i / steps, 0.5});
  }
  return discs;
}

// On or under the line, from its left end for a slope and from its right end for a ceiling; at
// first where no other line runs through the text.
bool place_on_line(const PlacedRoof& roof, const LogPlane& plane,
                   const std::vector<std::vector<Disc>>& lines, Placer& placer,
                   std::vector<PlacedLabel>& labels) {
  const double x0 = plane.px(roof.x_begin), y0 = plane.py(roof.y_begin);
  const double x1 = plane.px(roof.x_end), y1 = plane.py(roof.y_end);
  const double length = std::hypot(x1 - x0, y1 - y0);
  const double ux = (x1 - x0) / length, uy = (y1 - y0) / length;
  const double text_px = kCharWidth * kRoofFontPx * static_cast<double>(roof.line.label.size()) + 8;
  PlacedLabel label{.text = roof.line.label};
  label.angle = std::atan2(uy, ux) * 180 / std::numbers::pi;
  for (const bool avoid_lines : {true, false}) {
    for (const double lift : {kRoofFontPx * 0.75, -kRoofFontPx * 0.75}) {
      for (double step = 6; step + text_px < length; step += 8) {
        const double at = roof.line.is_flops ? length - step - text_px : step;
        label.x = x0 + ux * at - uy * lift;
        label.y = y0 + uy * at + ux * lift;
        const std::vector<Disc> discs = discs_of(label, kRoofFontPx);
        const bool crossed = std::any_of(lines.begin(), lines.end(),
                                         [&](const auto& other) { return collide(discs, other); });
        if ((avoid_lines && crossed) || !placer.place(label, kRoofFontPx)) continue;
        labels.push_back(label);
        return true;
      }
    }
  }
  return false;
}

bool place_number(const RooflinePoint& point, const LogPlane& plane, Placer& placer,
                  std::vector<PlacedLabel>& labels) {
  PlacedLabel label{.text = std::to_string(point.number)};
  const double width = kCharWidth * kPointFontPx * static_cast<double>(label.text.size());
  const double x = plane.px(point.intensity), y = plane.py(point.gflops);
  for (const double distance : {8.0, 14.0, 22.0, 32.0, 44.0, 58.0, 74.0}) {
    for (int direction = 0; direction < 12; ++direction) {
      const double angle = direction * std::numbers::pi / 6;
      const double dx = std::cos(angle) * distance, dy = std::sin(angle) * distance;
      label.x = x + dx + (dx < -1 ? -width : dx > 1 ? 0 : -width / 2);
      label.y = y + dy;
      label.has_leader = distance > 14;
      label.leader_x = x;
      label.leader_y = y;
      if (!placer.place(label, kPointFontPx)) continue;
      labels.push_back(label);
      return true;
    }
  }
  return false;
}

}  // namespace

double LogPlane::px(double x) const {
  return box.left + (std::log10(x) - x0) / (x1 - x0) * (box.right - box.left);
}

double LogPlane::py(double y) const {
  return box.bottom + (std::log10(y) - y0) / (y1 - y0) * (box.top - box.bottom);
}

double LogPlane::slope_angle() const {
  const double rise = (box.top - box.bottom) / (y1 - y0);
  const double run = (box.right - box.left) / (x1 - x0);
  return std::atan2(rise, run) * 180 / std::numbers::pi;
}

std::vector<Disc> discs_of(const PlacedLabel& label, double font_px) {
  const double radians = label.angle * std::numbers::pi / 180;
  const double length = kCharWidth * font_px * static_cast<double>(label.text.size());
  const double r = font_px * 0.55;
  std::vector<Disc> discs;
  for (double at = 0;; at = std::min(at + r, length)) {
    discs.push_back({label.x + std::cos(radians) * at, label.y + std::sin(radians) * at, r});
    if (at >= length) return discs;
  }
}

bool collide(const std::vector<Disc>& a, const std::vector<Disc>& b) {
  for (const Disc& p : a) {
    for (const Disc& q : b) {
      if (std::hypot(p.x - q.x, p.y - q.y) < p.r + q.r) return true;
    }
  }
  return false;
}

PanelLayout layout_panel(const Roofline& roofline, const RooflinePanel& panel,
                         const PixelBox& box) {
  PanelLayout layout;
  layout.plane = plane_of(roofline, panel, box);
  layout.roofs = place_roofs(panel, layout.plane);
  Placer placer(box);
  for (const std::size_t index : panel.points) {
    const RooflinePoint& point = roofline.points[index];
    placer.block(layout.plane.px(point.intensity), layout.plane.py(point.gflops), kMarkPx);
  }
  std::vector<std::vector<Disc>> lines;
  for (const PlacedRoof& roof : layout.roofs) lines.push_back(discs_along(roof, layout.plane));
  for (const PlacedRoof& roof : layout.roofs) {
    place_on_line(roof, layout.plane, lines, placer, layout.roof_labels);
  }
  for (const std::size_t index : panel.points) {
    if (!place_number(roofline.points[index], layout.plane, placer, layout.point_labels)) {
      ++layout.unlabelled;
    }
  }
  return layout;
}

}  // namespace sb
