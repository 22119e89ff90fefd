// One result row and THE list of CSV columns. The CSV writer and reader, results/README.md and the
// tests all walk columns(); to add a column, add a member here and its line in row.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace sb {

inline constexpr std::int64_t kSchemaVersion = 1;

using Text = std::string;              // empty = not measured
using Number = std::optional<double>;  // empty = not measured, never 0 or NaN
using Count = std::optional<std::int64_t>;

struct Row {
  // identity
  Count schema_version = kSchemaVersion;
  Text run_id, workload, op, variant, isa, device, dtype, params;
  Count threads;
  Text cache, fill;
  Count seed;
  // status
  Text status, reason;
  // verification
  Text verify;
  Number err_max_abs, err_max_rel, tolerance;
  Text reference;
  // method
  Text timer;
  Count samples, iterations, rounds;
  Text stop_reason;
  Number warmup_s;
  // time
  Number time_median_ns, time_lo_ns, time_hi_ns, time_min_ns, time_p95_ns;
  // work
  Number flops, bytes_compulsory, bytes_algorithm, gflop_per_s, gb_per_s, flop_per_byte;
  Text roof_id;
  Number pct_roof;
  Text bound;
  // memory
  Count workspace_bytes;
  // ratio
  Text baseline;
  Number speedup, speedup_lo, speedup_hi;
  // provenance
  Text git_sha, compiler, host, repro;
};

// One timed sample of a row.
struct Sample {
  double began_s = 0;  // seconds since 1970
  double time_ns = 0;  // of a call
};

struct Column {
  std::string_view name;
  std::string_view group;  // identity, status, ...
  std::string_view unit;   // "ns", "GB/s", "" for words and pure numbers
  std::string_view doc;    // one sentence
  std::variant<Text Row::*, Number Row::*, Count Row::*> member;

  std::string get(const Row& row) const;  // as the CSV shows it, unquoted
  // Empty if taken, else what is wrong with `text` ("not a number", "NaN is not a measurement").
  std::string set(Row& row, const std::string& text) const;
};

const std::vector<Column>& columns();

// What makes two rows of different runs the same case: all identity columns but schema and run_id.
std::string identity_of(const Row& row);

// Words of the status column.
namespace status {
inline constexpr std::string_view kOk = "ok";
inline constexpr std::string_view kSkipped = "skipped";
inline constexpr std::string_view kIncorrect = "incorrect";
inline constexpr std::string_view kCrashed = "crashed";
inline constexpr std::string_view kTimeout = "timeout";
inline constexpr std::string_view kImplausible = "implausible";
inline constexpr std::string_view kNoisy = "noisy";
}  // namespace status

}  // namespace sb
