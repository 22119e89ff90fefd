#include "report/html.h"

#include <fmt/format.h>

namespace sb {

std::string html_escape(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string html_page(const std::string& title, const std::string& body, const std::string& css) {
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width\">\n"
      "<link rel=\"icon\" href=\"data:,\">\n<title>{}</title>\n<style>\n"
      "body{{font:15px/1.45 system-ui,sans-serif;margin:2em auto;max-width:1500px;padding:0 1em;"
      "color:#222;background:#fff}}\n"
      "table{{border-collapse:collapse;font-size:13px;margin:1em 0}}\n"
      "th,td{{border:1px solid #ccc;padding:3px 7px;text-align:left;vertical-align:top}}\n"
      "th{{background:#f2f2f2}} .scroll{{overflow-x:auto}} svg{{max-width:100%;height:auto}}\n"
      "{}\n</style></head>\n<body>\n{}</body></html>\n",
      html_escape(title), css, body);
}

HtmlTable::HtmlTable(const std::vector<std::string>& header) {
  text_ = "<div class=\"scroll\"><table><thead><tr>";
  for (const std::string& cell : header) text_ += "<th>" + html_escape(cell) + "</th>";
  text_ += "</tr></thead><tbody>\n";
}

void HtmlTable::add(const std::vector<std::string>& cells, const std::string& row_class) {
  text_ += row_class.empty() ? "<tr>" : fmt::format("<tr class=\"{}\">", html_escape(row_class));
  for (const std::string& cell : cells) text_ += "<td>" + html_escape(cell) + "</td>";
  text_ += "</tr>\n";
}

}  // namespace sb
