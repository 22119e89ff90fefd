// The picture as a gnuplot script. Labels are placed here, not by gnuplot, so that none collide.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <map>

#include "report/roofline_layout.h"

namespace sb {
namespace {

constexpr double kWidth = 1160;
constexpr double kPlotLeft = 78, kPlotRight = 790;  // the legend stands to the right
constexpr double kBelow = 62, kAbove = 46;
constexpr double kLeastPlot = 420;
constexpr double kLegendLine = 17;
constexpr double kPngPoint = 0.75;  // pngcairo takes points of 96 dpi where svg takes pixels

constexpr std::array kColours = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00",
                                 "#7a3db8", "#8c564b", "#1b7837", "#b2182b", "#4d4d4d", "#35978f"};

struct Mark {
  int type = 0;  // gnuplot's; a hollow one stands before its filled one
  double size = 0.75;
};

// A shape per instruction set; filled, hollow, or hollow and large is the number format.
Mark mark_of(const Row& row) {
  static const std::map<std::string, int> kShapes = {
      {"scalar", 7}, {"avx2", 9}, {"avx512", 5}, {"native", 13}, {"cuda", 11}};
  const auto it = kShapes.find(row.isa);
  const int filled = it == kShapes.end() ? 15 : it->second;
  if (row.dtype == "f16") return {filled - 1};
  if (row.dtype == "bf16") return {filled - 1, 1.2};
  return {filled};
}

int dash_of(const RoofLine& roof) { return roof.declared ? 4 : roof.streaming ? 2 : 1; }

const char* meaning_of(const RoofLine& roof) {
  if (roof.declared) return "roof, declared by the vendor";
  return roof.streaming ? "roof, streaming stores" : "roof, measured";
}

struct Series {
  std::string name;
  std::string colour;
  Mark mark;
  std::vector<const RooflinePoint*> points;
};

// A colour per variant, a mark per instruction set and number format; the same in all panels.
std::vector<Series> series_of(const Roofline& roofline, const RooflinePanel& panel) {
  std::vector<std::string> variants;
  for (const RooflinePoint& point : roofline.points) {
    const std::string name = point.row.op + "/" + point.row.variant;
    if (std::find(variants.begin(), variants.end(), name) == variants.end()) {
      variants.push_back(name);
    }
  }
  std::vector<Series> all;
  for (const std::size_t index : panel.points) {
    const RooflinePoint& point = roofline.points[index];
    const std::string variant = point.row.op + "/" + point.row.variant;
    const std::string name = fmt::format("{} {} {}", variant, point.row.isa, point.row.dtype);
    auto it = std::find_if(all.begin(), all.end(), [&](const Series& s) { return s.name == name; });
    if (it == all.end()) {
      const auto at = std::find(variants.begin(), variants.end(), variant) - variants.begin();
      it = all.insert(
          all.end(),
          {name, kColours[static_cast<std::size_t>(at) % kColours.size()], mark_of(point.row), {}});
    }
    it->points.push_back(&point);
  }
  return all;
}

double panel_height(const Roofline& roofline, const RooflinePanel& panel) {
  const double legend = kLegendLine * static_cast<double>(series_of(roofline, panel).size() + 3);
  return kBelow + kAbove + std::max(kLeastPlot, legend);
}

std::string quote(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? "''" : c == '\n' ? " " : std::string(1, c);
  return quoted + "'";
}

// Draws one panel whose lower edge is at `base` pixels on a canvas of `height` pixels.
class PanelScript {
 public:
  PanelScript(const Roofline& roofline, const RooflinePanel& panel, double base, double height,
              double font_scale)
      : roofline_(roofline), panel_(panel), height_(height), font_scale_(font_scale) {
    const PixelBox box{kPlotLeft, kPlotRight, base + kBelow,
                       base + panel_height(roofline, panel) - kAbove};
    layout_ = layout_panel(roofline, panel, box);
  }

  std::string text() {
    frame();
    labels(layout_.roof_labels, kRoofFontPx, "#555555");
    labels(layout_.point_labels, kPointFontPx, "#000000");
    data();
    return script_;
  }

 private:
  double sx(double px) const { return px / kWidth; }
  double sy(double px) const { return px / height_; }

  template <typename... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(script_), format, std::forward<Args>(args)...);
    script_ += '\n';
  }

  void frame() {
    const LogPlane& plane = layout_.plane;
    line("unset label\nunset arrow");
    line("set lmargin at screen {:.5f}\nset rmargin at screen {:.5f}", sx(plane.box.left),
         sx(plane.box.right));
    line("set bmargin at screen {:.5f}\nset tmargin at screen {:.5f}", sy(plane.box.bottom),
         sy(plane.box.top));
    line("set logscale xy\nset format '%g'\nset tics nomirror\nset grid lc rgb '#e4e4e4' lt 1");
    line("set clip two\nset xrange [{:.8g}:{:.8g}]\nset yrange [{:.8g}:{:.8g}]",
         std::pow(10, plane.x0), std::pow(10, plane.x1), std::pow(10, plane.y0),
         std::pow(10, plane.y1));
    line("set xlabel 'FLOP per byte that the algorithm moves'\nset ylabel 'GFLOP/s'");
    line("set title {}",
         quote(panel_.title + (layout_.unlabelled > 0
                                   ? fmt::format(" (numbers left out: {})", layout_.unlabelled)
                                   : "")));
    line("set key at screen {:.5f}, screen {:.5f} left top Left reverse samplen 1 spacing 1.0",
         sx(plane.box.right + 18), sy(plane.box.top));
  }

  void labels(const std::vector<PlacedLabel>& placed, double font_px, const char* colour) {
    for (const PlacedLabel& label : placed) {
      line(
          "set label {} at screen {:.5f}, screen {:.5f} left rotate by {:.2f} font ',{}' "
          "textcolor rgb '{}' front",
          quote(label.text), sx(label.x), sy(label.y), label.angle, font_px * font_scale_, colour);
      if (label.has_leader) {
        line(
            "set arrow from screen {:.5f}, screen {:.5f} to screen {:.5f}, screen {:.5f} nohead "
            "lc rgb '#999999' lw 0.5",
            sx(label.leader_x), sy(label.leader_y), sx(label.x), sy(label.y));
      }
    }
  }

  // The dashes of the roofs that are drawn, and what they mean.
  std::string roof_legend() const {
    std::map<int, const char*> drawn;
    for (const PlacedRoof& roof : layout_.roofs) {
      drawn.emplace(dash_of(roof.line), meaning_of(roof.line));
    }
    std::string plot;
    for (const auto& [dash, meaning] : drawn) {
      plot += fmt::format(", NaN with lines lc rgb '#888888' lw 1.4 dt {} title {}", dash,
                          quote(meaning));
    }
    return plot;
  }

  void data() {
    std::string plot;
    for (const PlacedRoof& roof : layout_.roofs) {
      plot += fmt::format("{}'-' using 1:2 with lines lc rgb '{}' lw {} dt {} notitle",
                          plot.empty() ? "" : ", ", roof.line.is_flops ? "#666666" : "#888888", 1.4,
                          dash_of(roof.line));
    }
    const std::vector<Series> all = series_of(roofline_, panel_);
    for (const Series& series : all) {
      plot += fmt::format("{}'-' using 1:2:3:4 with yerrorbars lc rgb '{}' pt {} ps {} title {}",
                          plot.empty() ? "" : ", ", series.colour, series.mark.type,
                          series.mark.size, quote(series.name));
    }
    line("plot {}{}", plot, roof_legend());
    for (const PlacedRoof& roof : layout_.roofs) {
      line("{:.8g} {:.8g}\n{:.8g} {:.8g}\ne", roof.x_begin, roof.y_begin, roof.x_end, roof.y_end);
    }
    for (const Series& series : all) {
      for (const RooflinePoint* point : series.points) {
        line("{:.8g} {:.8g} {:.8g} {:.8g}", point->intensity, point->gflops, point->gflops_lo,
             point->gflops_hi);
      }
      line("e");
    }
  }

  const Roofline& roofline_;
  const RooflinePanel& panel_;
  double height_;
  double font_scale_;
  PanelLayout layout_;
  std::string script_;
};

std::string terminal_line(const std::string& terminal, double height, const std::string& name) {
  if (terminal == "png") {
    return fmt::format(
        "set terminal pngcairo size {},{} noenhanced font 'DejaVu Sans,9' background '#ffffff'\n",
        kWidth, height);
  }
  return fmt::format(
      "set terminal svg size {},{} noenhanced font 'DejaVu Sans,12' background '#ffffff' name "
      "'{}'\n",
      kWidth, height, name);
}

}  // namespace

std::string roofline_panel_script(const Roofline& roofline, std::size_t panel) {
  const double height = panel_height(roofline, roofline.panels[panel]);
  return terminal_line("svg", height, fmt::format("panel{}", panel)) +
         PanelScript(roofline, roofline.panels[panel], 0, height, 1).text();
}

std::string roofline_script(const Roofline& roofline, const std::string& terminal) {
  double height = 0;
  for (const RooflinePanel& panel : roofline.panels) height += panel_height(roofline, panel);
  std::string script = terminal_line(terminal, height, "roofline") + "set multiplot\n";
  double base = height;
  for (const RooflinePanel& panel : roofline.panels) {
    base -= panel_height(roofline, panel);
    script += PanelScript(roofline, panel, base, height, terminal == "png" ? kPngPoint : 1).text();
  }
  return script + "unset multiplot\n";
}

}  // namespace sb
