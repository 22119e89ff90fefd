#include "report/csv_text.h"

namespace sb {
namespace {

// Reads one record at a time; the members say where it stands.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    if (text_.starts_with(kByteOrderMark)) at_ = kByteOrderMark.size();
  }

  bool done() const { return at_ >= text_.size(); }

  CsvRecord record() {
    CsvRecord record;
    record.line = line_;
    do {
      record.fields.push_back(field(record));
    } while (take(','));
    record.terminated = take_line_end();
    record.end_byte = at_;
    return record;
  }

 private:
  bool take(char c) {
    if (done() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  bool take_line_end() {
    const std::size_t before = at_;
    take('\r');
    if (take('\n')) {
      ++line_;
      return true;
    }
    at_ = before;
    return false;
  }

  bool at_line_end() const {
    return text_.substr(at_, 1) == "\n" || text_.substr(at_, 2) == "\r\n";
  }

  std::string field(CsvRecord& record) { return take('"') ? quoted(record) : plain(record); }

  std::string plain(CsvRecord& record) {
    const std::size_t begin = at_;
    while (!done() && text_[at_] != ',' && !at_line_end()) {
      if (text_[at_] == '"') record.quoting_error = "a quote inside an unquoted field";
      ++at_;
    }
    return std::string(text_.substr(begin, at_ - begin));
  }

  std::string quoted(CsvRecord& record) {
    std::string value;
    while (!done()) {
      const char c = text_[at_++];
      if (c == '"' && !take('"')) {
        if (!done() && text_[at_] != ',' && !at_line_end()) {
          record.quoting_error = "text after a closing quote";
          value += plain(record);
        }
        return value;
      }
      if (c == '\n') ++line_;
      value += c;
    }
    record.quoting_error = "a quote is never closed";
    return value;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::int64_t line_ = 1;
};

}  // namespace

std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    quoted += c;
    if (c == '"') quoted += '"';
  }
  return quoted + '"';
}

std::string csv_record(const std::vector<std::string>& fields) {
  std::string record;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (i > 0) record += ',';
    record += csv_field(fields[i]);
  }
  return record.append(kCsvLineEnd);
}

std::vector<CsvRecord> parse_csv(std::string_view text) {
  std::vector<CsvRecord> records;
  for (Parser parser(text); !parser.done();) {
    CsvRecord record = parser.record();
    const bool blank = record.fields.size() == 1 && record.fields[0].empty();
    if (!blank) records.push_back(std::move(record));
  }
  return records;
}

}  // namespace sb
