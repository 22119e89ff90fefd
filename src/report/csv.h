// results.csv: rows written one by one, and read back with every doubt reported.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "core/row.h"

namespace sb {

std::string csv_header();  // all columns(), always; with its line end
std::string csv_row(const Row& row);

// What is wrong with a CSV file: one line "file:line: what; cure" for each problem.
class CsvError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct CsvRows {
  std::vector<Row> rows;
  std::vector<std::int64_t> lines;   // where each row starts in its file
  std::vector<std::string> ignored;  // names of columns that this program does not know
  std::int64_t truncated_line = 0;   // 0, or the line of a last row that was not written to its end
  std::size_t sound_bytes = 0;       // length of the file without that row
};

// kRefuse: a last line without its line end is an error (a killed run: compare would call its row
// missing). kDrop: it is left out and reported in truncated_line; `run --resume` measures it again.
enum class TruncatedTail { kRefuse, kDrop };

// Both throw CsvError with all problems of the file: not readable, empty, missing or duplicate or
// misspelled columns, another schema_version, wrong field counts, fields that are not what the
// column holds (NaN among them), statuses that are no words of ours.
CsvRows read_csv(const std::string& path, TruncatedTail tail = TruncatedTail::kRefuse);
CsvRows parse_rows(std::string_view text, const std::string& name,
                   TruncatedTail tail = TruncatedTail::kRefuse);

}  // namespace sb
