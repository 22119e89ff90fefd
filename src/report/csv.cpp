#include "report/csv.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/params.h"
#include "report/csv_text.h"

namespace sb {
namespace {

constexpr std::size_t kMostProblems = 20;  // the rest is counted, not printed

class Problems {
 public:
  explicit Problems(std::string name) : name_(std::move(name)) {}

  void add(std::int64_t line, const std::string& what) {
    if (++count_ > kMostProblems) return;
    text_ += fmt::format("{}{}:{}: {}", text_.empty() ? "" : "\n", name_, line, what);
  }

  void throw_if_any() const {
    if (count_ == 0) return;
    const std::size_t unsaid = count_ > kMostProblems ? count_ - kMostProblems : 0;
    throw CsvError(unsaid == 0 ? text_ : fmt::format("{}\n... and {} more", text_, unsaid));
  }

 private:
  std::string name_;
  std::string text_;
  std::size_t count_ = 0;
};

std::vector<std::string> column_names() {
  std::vector<std::string> names;
  for (const Column& column : columns()) names.emplace_back(column.name);
  return names;
}

const Column* find_column(std::string_view name) {
  for (const Column& column : columns()) {
    if (column.name == name) return &column;
  }
  return nullptr;
}

// The column behind each field of the header; null for a column of somebody else.
std::vector<const Column*> read_header(const CsvRecord& header, CsvRows& result,
                                       Problems& problems) {
  std::vector<const Column*> order;
  for (const std::string& name : header.fields) {
    const Column* column = find_column(name);
    if (column != nullptr && std::find(order.begin(), order.end(), column) != order.end()) {
      problems.add(header.line, fmt::format("column \"{}\" appears twice; remove one", name));
    }
    if (column == nullptr) result.ignored.push_back(name);
    order.push_back(column);
  }
  for (const std::string& name : column_names()) {
    if (std::find(header.fields.begin(), header.fields.end(), name) != header.fields.end())
      continue;
    const std::string near = nearest(name, result.ignored);
    problems.add(header.line,
                 fmt::format("column \"{}\" is missing{}; is this a results.csv of softmax-bench?",
                             name, near.empty() ? "" : fmt::format(" (is \"{}\" meant?)", near)));
  }
  return order;
}

void check_status(const CsvRecord& record, const Row& row, Problems& problems) {
  using namespace status;
  constexpr std::array kWords = {kOk,      kSkipped,     kIncorrect, kCrashed,
                                 kTimeout, kImplausible, kNoisy};
  if (std::find(kWords.begin(), kWords.end(), row.status) != kWords.end()) return;
  const std::string near = nearest(row.status, {kWords.begin(), kWords.end()});
  problems.add(record.line, fmt::format("unknown status \"{}\"{}", row.status,
                                        near.empty() ? "" : "; did you mean \"" + near + "\"?"));
}

void read_row(const CsvRecord& record, const std::vector<const Column*>& order, CsvRows& result,
              Problems& problems) {
  if (!record.quoting_error.empty()) return problems.add(record.line, record.quoting_error);
  if (record.fields.size() != order.size()) {
    return problems.add(record.line, fmt::format("{} fields where the header has {}",
                                                 record.fields.size(), order.size()));
  }
  Row row;
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (order[i] == nullptr) continue;
    const std::string why = order[i]->set(row, record.fields[i]);
    if (why.empty()) continue;
    problems.add(record.line,
                 fmt::format("{}: \"{}\" is {}", order[i]->name, record.fields[i], why));
  }
  if (row.schema_version != kSchemaVersion) {
    return problems.add(
        record.line,
        fmt::format("schema_version is {}, this program reads {}; measure again with this "
                    "program, or read the file with the one that wrote it",
                    row.schema_version ? std::to_string(*row.schema_version) : "empty",
                    kSchemaVersion));
  }
  check_status(record, row, problems);
  result.rows.push_back(std::move(row));
  result.lines.push_back(record.line);
}

std::string read_file(const std::string& path) {
  if (std::filesystem::is_directory(path)) {
    throw CsvError(fmt::format("{0}: is a directory; name the file, e.g. {0}/results.csv", path));
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) throw CsvError(fmt::format("{}: cannot be read: {}", path, std::strerror(errno)));
  std::ostringstream text;
  text << file.rdbuf();
  return std::move(text).str();
}

}  // namespace

std::string csv_header() { return csv_record(column_names()); }

std::string csv_row(const Row& row) {
  std::vector<std::string> fields;
  for (const Column& column : columns()) fields.push_back(column.get(row));
  return csv_record(fields);
}

CsvRows read_csv(const std::string& path, TruncatedTail tail) {
  return parse_rows(read_file(path), path, tail);
}

CsvRows parse_rows(std::string_view text, const std::string& name, TruncatedTail tail) {
  std::vector<CsvRecord> records = parse_csv(text);
  CsvRows result;
  Problems problems(name);
  if (!records.empty() && !records.back().terminated) {
    result.truncated_line = records.back().line;
    if (tail == TruncatedTail::kRefuse) {
      problems.add(result.truncated_line,
                   "the last line is not complete: the run that wrote it was killed; finish it "
                   "with `softmax-bench run --resume`, or delete the line");
    }
    records.pop_back();
  }
  if (records.empty()) {
    problems.add(1, "no header: the file is empty; run the workload again");
    problems.throw_if_any();
  }
  const std::vector<const Column*> order = read_header(records.front(), result, problems);
  problems.throw_if_any();  // without a sound header every row would be called wrong
  for (std::size_t i = 1; i < records.size(); ++i) read_row(records[i], order, result, problems);
  problems.throw_if_any();
  result.sound_bytes = records.back().end_byte;
  return result;
}

}  // namespace sb
