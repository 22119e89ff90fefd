#include "report/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <limits>
#include <map>

namespace sb {
namespace {

enum class Align { kLeft, kRight };

// Columns as wide as their widest cell; a blank column is left out.
class TextTable {
 public:
  void head(std::string title, Align align) { columns_.push_back({std::move(title), align, 0}); }
  void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }

  std::string text() {
    for (const auto& cells : rows_) {
      for (std::size_t i = 0; i < cells.size(); ++i) {
        columns_[i].width = std::max(columns_[i].width, cells[i].size());
      }
    }
    std::vector<std::string> titles;
    for (Column& column : columns_) {
      titles.push_back(column.title);
      if (column.width > 0) column.width = std::max(column.width, column.title.size());
    }
    std::string text = line(titles);
    for (const auto& cells : rows_) text += line(cells);
    return text;
  }

 private:
  struct Column {
    std::string title;
    Align align;
    std::size_t width;
  };

  std::string line(const std::vector<std::string>& cells) const {
    std::string text = " ";
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (columns_[i].width == 0) continue;
      text += columns_[i].align == Align::kLeft
                  ? fmt::format(" {:<{}} ", cells[i], columns_[i].width)
                  : fmt::format(" {:>{}} ", cells[i], columns_[i].width);
    }
    text.erase(text.find_last_not_of(' ') + 1);
    return text + "\n";
  }

  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

std::string number(const Number& value, const char* format) {
  return value ? fmt::format(fmt::runtime(format), *value) : "";
}

// Half the interval as a share of the median; one figure is as much as it deserves below 10 %.
std::string spread(const Row& row) {
  if (!row.time_median_ns || !row.time_lo_ns || !row.time_hi_ns) return "";
  const double percent = 50 * (*row.time_hi_ns - *row.time_lo_ns) / *row.time_median_ns;
  return fmt::format("+-{:.{}f}%", percent, percent < 10 ? 1 : 0);
}

// Share of the memory roof by the bytes of the algorithm's own passes. Above 100 a cache served
// some of them.
std::string own_share(const Row& row) {
  if (row.bound != "memory" || !row.pct_roof || !row.bytes_algorithm) return "";
  const double compulsory = row.bytes_compulsory.value_or(0);
  if (compulsory <= 0) return "";
  return fmt::format("{:.1f}", *row.pct_roof * *row.bytes_algorithm / compulsory);
}

std::string speedup(const Row& row) {
  if (!row.speedup) return "";
  if (row.baseline == row.variant + "@" + row.isa) return "baseline";
  // Three decimals; a ratio that they would hide keeps two figures.
  const auto ratio = [](double x) {
    return x < 0.01 ? fmt::format("{:.1e}", x) : fmt::format("{:.3f}", x);
  };
  std::string text = ratio(*row.speedup) + "x";
  if (row.speedup_lo && row.speedup_hi) {
    text += fmt::format(" [{}, {}]", ratio(*row.speedup_lo), ratio(*row.speedup_hi));
  }
  return text;
}

// A status that is not ok is shown with its reason; "ok" on every line would hide the others.
std::string remark(const Row& row) {
  if (row.status == status::kOk) return row.reason;
  if (row.status == status::kNoisy) return row.status;  // the interval is in the row
  return row.reason.empty() ? row.status : row.status + ": " + row.reason;
}

// Everything that the rows of a block share.
std::string title(const Row& row) {
  std::string text = row.op + " " + row.dtype;
  if (!row.params.empty()) text += "  " + row.params;
  if (row.threads) text += fmt::format("  {} thread{}", *row.threads, *row.threads == 1 ? "" : "s");
  return text + "  " + row.cache + "  [" + row.workload + "]";
}

double time_or_infinity(const Row& row) {
  return row.time_median_ns.value_or(std::numeric_limits<double>::infinity());
}

struct Block {
  std::size_t workload_order = 0;  // as the workloads appear
  std::vector<const Row*> rows;
};

std::vector<Block> blocks_of(const std::vector<Row>& rows) {
  std::map<std::string, std::size_t> workloads;
  std::map<std::string, Block> by_title;
  for (const Row& row : rows) {
    if (row.status == status::kSkipped) continue;
    Block& block = by_title[title(row) + row.fill];
    block.workload_order = workloads.emplace(row.workload, workloads.size()).first->second;
    block.rows.push_back(&row);
  }
  std::vector<Block> blocks;
  for (auto& [ignored, block] : by_title) {
    std::stable_sort(block.rows.begin(), block.rows.end(), [](const Row* a, const Row* b) {
      return time_or_infinity(*a) < time_or_infinity(*b);
    });
    blocks.push_back(std::move(block));
  }
  std::sort(blocks.begin(), blocks.end(), [](const Block& a, const Block& b) {
    if (a.workload_order != b.workload_order) return a.workload_order < b.workload_order;
    return natural_less(title(*a.rows[0]), title(*b.rows[0]));
  });
  return blocks;
}

std::string skipped_summary(const std::vector<Row>& rows) {
  struct Skipped {
    int count = 0;
    std::string first;
  };
  std::map<std::string, Skipped> by_reason;
  for (const Row& row : rows) {
    if (row.status != status::kSkipped) continue;
    Skipped& skipped = by_reason[row.reason];
    if (skipped.count++ == 0) skipped.first = row.op + "/" + row.variant + "@" + row.isa;
  }
  std::string text;
  for (const auto& [reason, skipped] : by_reason) {
    text +=
        fmt::format("skipped {} row{} ({}{}): {}\n", skipped.count, skipped.count == 1 ? "" : "s",
                    skipped.first, skipped.count == 1 ? "" : ", ...", reason);
  }
  return text;
}

// Names of the metrics that rows of the block have, in the order in which they were reported.
std::vector<std::string> metric_names(const Block& block, const MetricsByRow& metrics) {
  std::vector<std::string> names;
  for (const Row* row : block.rows) {
    const auto found = metrics.find(identity_of(*row));
    if (found == metrics.end()) continue;
    for (const Metric& metric : found->second) {
      if (std::find(names.begin(), names.end(), metric.name) == names.end()) {
        names.push_back(metric.name);
      }
    }
  }
  return names;
}

std::string metric_text(const Row& row, const std::string& name, const MetricsByRow& metrics) {
  const auto found = metrics.find(identity_of(row));
  if (found == metrics.end()) return "";
  for (const Metric& metric : found->second) {
    if (metric.name == name) return fmt::format("{:.3g}", metric.value);
  }
  return "";
}

std::string timed_block(const Block& block, const MetricsByRow& metrics) {
  TextTable table;
  table.head("variant", Align::kLeft);
  for (const char* head : {"time", "", "GB/s", "GFLOP/s", "% roof", "own", "error"}) {
    table.head(head, Align::kRight);
  }
  const std::vector<std::string> names = metric_names(block, metrics);
  for (const std::string& name : names) table.head(name, Align::kRight);
  for (const char* head : {"roof", "speedup", "remark"}) table.head(head, Align::kLeft);
  for (const Row* row : block.rows) {
    std::vector<std::string> cells = {row->variant + "@" + row->isa,
                                      row->time_median_ns ? human_time(*row->time_median_ns) : "",
                                      spread(*row),
                                      number(row->gb_per_s, "{:.1f}"),
                                      number(row->gflop_per_s, "{:.1f}"),
                                      number(row->pct_roof, "{:.1f}"),
                                      own_share(*row),
                                      number(row->err_max_rel, "{:.1e}")};
    for (const std::string& name : names) cells.push_back(metric_text(*row, name, metrics));
    cells.insert(cells.end(), {row->roof_id, speedup(*row), remark(*row)});
    table.row(std::move(cells));
  }
  return table.text();
}

std::string verified_block(const Block& block) {
  TextTable table;
  table.head("variant", Align::kLeft);
  for (const char* head : {"verify", "error", "tolerance", "largest difference"}) {
    table.head(head, Align::kRight);
  }
  table.head("remark", Align::kLeft);
  for (const Row* row : block.rows) {
    table.row({row->variant + "@" + row->isa, row->verify, number(row->err_max_rel, "{:.2e}"),
               number(row->tolerance, "{:.2e}"), number(row->err_max_abs, "{:.2e}"), remark(*row)});
  }
  return table.text();
}

template <typename Body>
std::string table_of(const std::vector<Row>& rows, const Body& body) {
  std::string text;
  for (const Block& block : blocks_of(rows))
    text += title(*block.rows[0]) + "\n" + body(block) + "\n";
  return text + skipped_summary(rows);
}

bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }

// Takes a run of digits from the front of `text`, without its leading zeros.
std::string_view take_digits(std::string_view& text) {
  std::size_t end = 0;
  while (end < text.size() && is_digit(text[end])) ++end;
  std::string_view digits = text.substr(0, end);
  text.remove_prefix(end);
  while (digits.size() > 1 && digits[0] == '0') digits.remove_prefix(1);
  return digits;
}

}  // namespace

bool natural_less(std::string_view a, std::string_view b) {
  while (!a.empty() && !b.empty()) {
    if (is_digit(a[0]) && is_digit(b[0])) {
      const std::string_view left = take_digits(a);
      const std::string_view right = take_digits(b);
      if (left.size() != right.size()) return left.size() < right.size();
      if (left != right) return left < right;
    } else {
      if (a[0] != b[0]) return a[0] < b[0];
      a.remove_prefix(1);
      b.remove_prefix(1);
    }
  }
  return a.empty() && !b.empty();
}

std::string human_time(double ns) {
  struct Unit {
    const char* name;
    double ns;
  };
  constexpr Unit kUnits[] = {{"s", 1e9}, {"ms", 1e6}, {"us", 1e3}, {"ns", 1}};
  for (const Unit& unit : kUnits) {
    const double value = ns / unit.ns;
    // 999.96 would be shown as 1000: that is 1.000 of the next unit.
    if (value < 0.99995 && unit.ns > 1) continue;
    const int decimals = value >= 999.95 ? 0 : value >= 99.995 ? 1 : value >= 9.9995 ? 2 : 3;
    return fmt::format("{:.{}f} {}", value, decimals, unit.name);
  }
  return "";
}

std::string results_table(const std::vector<Row>& rows, const MetricsByRow& metrics) {
  return table_of(rows, [&](const Block& block) { return timed_block(block, metrics); });
}

std::string verification_table(const std::vector<Row>& rows) {
  return table_of(rows, verified_block);
}

}  // namespace sb
