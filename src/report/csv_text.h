// RFC 4180 as text: quoting on the way out, records with their line numbers on the way in. Knows
// nothing of rows; csv.h does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sb {

// Records end in CRLF, as RFC 4180 says; a field is quoted where it has to be.
inline constexpr std::string_view kCsvLineEnd = "\r\n";
std::string csv_field(std::string_view text);
std::string csv_record(const std::vector<std::string>& fields);  // with its line end

struct CsvRecord {
  std::int64_t line = 0;      // where it starts, counted from 1
  std::size_t end_byte = 0;   // offset just behind its line end
  bool terminated = true;     // false: the file ends inside this record
  std::string quoting_error;  // empty, or what is wrong with its quotes
  std::vector<std::string> fields;
};

// Takes LF and CRLF, drops a UTF-8 byte order mark and blank lines.
std::vector<CsvRecord> parse_csv(std::string_view text);

}  // namespace sb
