// A self-contained HTML page: no scripts, no network, readable by day and by night.
#pragma once

#include <string>
#include <vector>

namespace sb {

std::string html_escape(const std::string& text);
std::string html_page(const std::string& title, const std::string& body, const std::string& css);

class HtmlTable {
 public:
  explicit HtmlTable(const std::vector<std::string>& header);
  void add(const std::vector<std::string>& cells, const std::string& row_class = "");
  std::string text() const { return text_ + "</tbody></table></div>\n"; }

 private:
  std::string text_;
};

}  // namespace sb
