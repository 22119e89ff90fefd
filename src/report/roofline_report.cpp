// The table under the picture, as text and as a page.
#include <fmt/format.h>

#include <algorithm>

#include "report/html.h"
#include "report/roofline.h"

namespace sb {
namespace {

std::vector<std::string> header() {
  return {"#",    "variant",         "dtype, shape", "FLOP/B",          "GFLOP/s",
          "GB/s", "roof that binds", "share %",      "time over floor", "what would help"};
}

std::vector<std::string> cells(const RooflinePoint& point) {
  const Row& row = point.row;
  const bool roof = point.over_floor > 0;
  return {std::to_string(point.number),
          fmt::format("{}/{}@{}", row.op, row.variant, row.isa),
          fmt::format("{} {}", row.dtype, row.params),
          fmt::format("{:.3g}", point.intensity),
          fmt::format("{:.3g} [{:.3g}, {:.3g}]", point.gflops, point.gflops_lo, point.gflops_hi),
          row.gb_per_s ? fmt::format("{:.3g}", *row.gb_per_s) : "",
          row.roof_id.empty() ? "not known" : row.roof_id,
          roof ? fmt::format("{:.1f}", point.share) : "",
          roof ? fmt::format("{:.2f}", point.over_floor) : "",
          point.advice + (row.status == status::kNoisy ? " (noisy row)" : "")};
}

std::string aligned(const std::vector<std::vector<std::string>>& lines) {
  std::vector<std::size_t> widths(lines.front().size(), 0);
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  }
  std::string text;
  for (const auto& line : lines) {
    std::string row;
    for (std::size_t i = 0; i < line.size(); ++i) {
      row += fmt::format("{:<{}}  ", line[i], widths[i]);
    }
    row.erase(row.find_last_not_of(' ') + 1);
    text += row + "\n";
  }
  return text;
}

std::string roofs_line(const RooflinePanel& panel) {
  std::string text;
  for (const RoofLine& roof : panel.roofs) text += (text.empty() ? "" : ", ") + roof.label;
  return text.empty() ? "no ceiling is known for this thread count" : text;
}

}  // namespace

std::string roofline_text(const Roofline& roofline) {
  std::string text = fmt::format("{}\n{}\n", roofline.machine, roofline.peaks_note);
  for (const RooflinePanel& panel : roofline.panels) {
    text += fmt::format("\n== {} ==\nceilings: {}\n", panel.title, roofs_line(panel));
    std::vector<std::vector<std::string>> lines = {header()};
    for (const std::size_t index : panel.points) lines.push_back(cells(roofline.points[index]));
    text += aligned(lines);
  }
  if (!roofline.left_out.empty()) text += "\nnot drawn:\n";
  for (const std::string& row : roofline.left_out) text += "  " + row + "\n";
  return text;
}

std::string roofline_html(const Roofline& roofline, const std::vector<std::string>& pictures) {
  std::string body = fmt::format(
      "<h1>Roofline</h1>\n<p>{}<br>{}. Solid roofs: ordinary stores; dashed: streaming stores. "
      "Numbers are lines of the table; bars are the interval of the median time.</p>\n",
      html_escape(roofline.machine), html_escape(roofline.peaks_note));
  for (std::size_t i = 0; i < roofline.panels.size(); ++i) {
    const RooflinePanel& panel = roofline.panels[i];
    body += fmt::format("<h2>{}</h2>\n{}\n<p>Ceilings: {}.</p>\n", html_escape(panel.title),
                        pictures[i], html_escape(roofs_line(panel)));
    HtmlTable table(header());
    for (const std::size_t index : panel.points) table.add(cells(roofline.points[index]));
    body += table.text();
  }
  if (!roofline.left_out.empty()) {
    body += "<h2>Not drawn</h2>\n<ul>\n";
    for (const std::string& row : roofline.left_out) {
      body += "<li>" + html_escape(row) + "</li>\n";
    }
    body += "</ul>\n";
  }
  return html_page("Roofline", body, "");
}

}  // namespace sb
