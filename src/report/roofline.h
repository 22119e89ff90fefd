// The roofline: what each row reaches under the ceilings of its machine, and what would help.
#pragma once

#include <string>
#include <vector>

#include "core/peaks.h"
#include "core/row.h"

namespace sb {

// A row that has a time, FLOPs and bytes. Intensity is FLOP per byte that the algorithm itself
// moves, so that algorithms stand side by side; the share charges compulsory bytes only, as
// pct_roof does.
struct RooflinePoint {
  int number = 0;  // its label in the picture and its line in the table
  Row row;
  double intensity = 0;                             // FLOP/B
  double gflops = 0, gflops_lo = 0, gflops_hi = 0;  // GFLOP/s with the interval of the time
  double share = 0;       // of the binding roof, per cent; 0 if no roof is known
  double over_floor = 0;  // time over the least time the roof allows; 0 if no roof is known
  std::string advice;     // what would help, in one clause
};

// A ceiling as it is drawn.
struct RoofLine {
  std::string label;  // "L2 triad 187 GB/s", "avx512 f32 214 GFLOP/s"
  bool is_flops = false;
  bool streaming = false;
  bool declared = false;
  double value = 0;  // GB/s or GFLOP/s
};

// Rows of one device, cache state and thread count share their ceilings, and so a picture.
struct RooflinePanel {
  std::string title;  // "cpu, cold, 1 thread"
  std::vector<RoofLine> roofs;
  std::vector<std::size_t> points;  // into Roofline::points
};

struct Roofline {
  std::string machine;
  std::string peaks_note;  // where the ceilings come from, and when
  std::vector<RooflinePoint> points;
  std::vector<RooflinePanel> panels;
  std::vector<std::string> left_out;  // rows that can't be drawn, and why
};

// Throws std::invalid_argument with the cure: no row can be drawn, the peaks are another machine's
// (unless `declared`), or they hold no roof for any row.
Roofline build_roofline(const std::vector<Row>& rows, const Peaks& peaks, bool declared);

// What would help a row, from the row and the others at its point alone.
std::string advice_for(const Row& row, const std::vector<Row>& rows, const Peaks& peaks);

std::string roofline_text(const Roofline& roofline);
// Terminals of gnuplot: "svg" or "png". The picture holds all panels, one above the other.
std::string roofline_script(const Roofline& roofline, const std::string& terminal);
std::string roofline_panel_script(const Roofline& roofline, std::size_t panel);  // SVG of one panel
// `pictures` holds an SVG per panel.
std::string roofline_html(const Roofline& roofline, const std::vector<std::string>& pictures);

}  // namespace sb
