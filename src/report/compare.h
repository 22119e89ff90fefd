// Two runs of the same cases, row against row.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/gate_policy.h"
#include "core/row.h"
#include "report/verdict.h"

namespace sb {

// Rows of one run. `lines[i]` is where row i stands in `file`.
struct RunRows {
  std::string file;
  std::vector<Row> rows;
  std::vector<std::int64_t> lines;

  std::string where(std::size_t index) const;  // "base.csv:7"
};

struct Comparison {
  struct Entry {
    std::string name;  // case name, as --filter sees it
    Row base;          // empty Row if there is none
    Row head;
    LogRatio ratio;  // head time over base time; zeros if either has no time
    double threshold = 0;
    Judgement judgement;
    std::string ignored;  // why the policy leaves it out of the exit code; empty if it counts
  };
  std::vector<Entry> entries;  // in the order of base, new rows last
  std::string base_host, head_host;
  std::string method =
      "Intervals are those of one launch per side; `gate` repeats launches and pairs them.";
  bool across_machines() const {
    return !base_host.empty() && !head_host.empty() && base_host != head_host;
  }
  int count(Verdict verdict) const;  // of the entries that are not ignored
};

struct CompareOptions {
  GatePolicy policy;
  bool across_machines = false;
};

// Joins on identity_of(). Throws std::invalid_argument, naming file and line, on duplicate rows, on
// rows of several machines, and on runs of two machines unless `across_machines`.
Comparison compare(const RunRows& base, const RunRows& head, const CompareOptions& options);

// What a result file can say about a ratio: one launch per side, so the interval is that of the two
// medians taken together (the ends of the one over the opposite ends of the other).
LogRatio ratio_of_rows(const Row& base, const Row& head);

// "softmax-llm/softmax/two_pass@avx512/bf16/cols=1024;rows=1/t1/warm"
std::string case_name(const Row& row);

double threshold_of(const GatePolicy& policy, const std::string& name);
std::string ignored_by(const GatePolicy& policy, const std::string& name);

// What makes the exit code 1: words for --fail-on ("slower", "missing", "ambiguous").
// Throws std::invalid_argument on another word.
std::vector<Verdict> parse_fail_on(const std::string& words);
bool fails(const Comparison& comparison, const std::vector<Verdict>& fail_on);

std::string summary_line(const Comparison& comparison);
std::string to_text(const Comparison& comparison);
std::string to_markdown(const Comparison& comparison);
std::string to_json(const Comparison& comparison);

}  // namespace sb
