// A performance claim of a paper as data: who said what, where, and how it could be checked here.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sb {

// One side of a claim: a registered variant ("two_pass", "two_pass@avx512"), globs of which the
// fastest match counts ("three_pass_reload@avx2 | three_pass_recompute@avx2", "torch:*"), or
// something this program has no kernel for.
struct ClaimSide {
  std::string variant;                        // empty if external
  std::string external;                       // what the paper ran; empty if ours
  std::string op;                             // where it differs from the claim's (backward)
  std::map<std::string, std::string> params;  // where they differ from the workload's (causal)

  bool ours() const { return !variant.empty(); }
  std::string text() const { return ours() ? variant : external; }
  std::vector<std::string> globs() const;  // the variant's alternatives
};

inline std::vector<std::string> ClaimSide::globs() const {
  std::vector<std::string> all;
  for (std::size_t begin = 0; begin < variant.size();) {
    const std::size_t end = std::min(variant.find('|', begin), variant.size());
    const std::size_t first = variant.find_first_not_of(' ', begin);
    const std::size_t last = variant.find_last_not_of(' ', end - 1);
    if (first < end) all.push_back(variant.substr(first, last + 1 - first));
    begin = end + 1;
  }
  return all;
}

// What must hold before a measurement says anything about the claim.
struct ClaimConditions {
  std::vector<std::string> device;  // "cpu", "cuda"; empty: any
  std::vector<std::string> cache;   // cache states that count; empty: any
  std::vector<std::string> dtype;   // empty: any
  std::optional<int> threads;       // empty: any
  bool out_of_cache = false;        // compulsory bytes beyond the last-level cache
  std::map<std::string, std::pair<double, double>> range;  // parameter -> [lo, hi]
};

// A workload that answers a claim: what to run, and by what to know its rows again.
struct ClaimRun {
  std::string text;  // workload keys as YAML
  std::string op;
  std::vector<std::string> dtypes;                         // empty: any
  std::map<std::string, std::vector<std::string>> values;  // parameter -> values; absent: any
};

struct Claim {
  std::string id;
  std::string paper;
  std::string arxiv;           // empty: not on arXiv, or unknown
  std::string statement;       // in our words
  std::string source;          // abstract, table, figure, text, derived
  std::string seen;            // abstract, repository, secondary, derived: how well we know it
  std::string hardware;        // the paper's
  std::string hardware_class;  // cpu, gpu, other, any (arithmetic holds on any machine)
  std::string setting;         // the paper's workload in words
  ClaimSide contender;
  ClaimSide baseline;     // the paper's own; text "-" if the claim has none
  ClaimSide strongest;    // the best thing available here; text empty if none
  std::string metric;     // one of claim_metrics()
  std::string stated_as;  // the paper's metric in words
  std::string relation;   // ">=", "<=", "~"
  double value = 0;
  double band = 0.1;            // "~" holds within value * (1 +- band), or +- band around 0
  std::string axis;             // parameter that a slope or crossover runs along
  std::string across = "best";  // how the points of a sweep become one: best, worst, median
  ClaimConditions needs;
  std::string figure;  // error claims: column of a row or name in metrics.csv; empty: err_max_rel
  bool together = false;  // the time is the sum over the operations of `run` (forward and backward)
  std::vector<ClaimRun> run;       // scaled to a CPU; empty: no workload of ours tests it there
  std::vector<ClaimRun> run_cuda;  // the paper's own sizes
  std::string not_testable;        // why no kernel benchmark can test it; empty if one can
  std::string note;
  std::string file;  // where the claim was read
  int line = 0;
};

// What a metric is: how a measurement reads, and which way is better.
struct ClaimMetric {
  std::string_view name;
  std::string_view doc;
  bool higher_is_better = true;
  double neutral = 1;      // where the sign changes: a ratio of 1; unused if !has_sign
  bool has_sign = true;    // false: on other hardware not even a direction carries over
  bool from_rows = false;  // result rows can answer it
};

inline const std::vector<ClaimMetric>& claim_metrics() {
  static const std::vector<ClaimMetric> all = {
      {"speedup", "baseline time over contender time", true, 1, true, true},
      {"slowdown", "contender time over baseline time", false, 1, true, true},
      {"share_of_peak", "FLOP rate over the measured FLOP roof", true, 0, false, true},
      {"share_of_bandwidth", "bytes moved per second over the measured bandwidth roof", true, 0,
       false, true},
      {"throughput", "FLOP/s in TFLOP/s", true, 0, false, true},
      {"time", "milliseconds of one call", false, 0, false, true},
      {"memory", "workspace bytes in MiB", false, 0, false, true},
      {"memory_ratio", "baseline over contender, operands and counted workspace together", true, 1,
       true, true},
      {"error", "largest error in the operation's own scale", false, 0, false, true},
      {"error_ratio", "baseline error over contender error", true, 1, true, true},
      {"flop_ratio", "contender FLOPs over baseline FLOPs", false, 1, true, true},
      {"slope", "log-log slope of time over a size", false, 0, false, true},
      {"spread", "largest over smallest time of a sweep", false, 1, false, true},
      {"crossover", "smallest size from which the contender stays faster", false, 0, false, true},
      {"loss", "share of performance lost: 1 - baseline time over contender time", false, 0, true,
       true},
      {"time_saved", "1 - contender time over baseline time", true, 0, true, true},
      {"share_of_time", "share of a larger computation's time", true, 0, false, false},
      {"arithmetic", "a count that follows from the definition", true, 0, false, false},
      {"quality", "a property of a trained model", true, 0, false, false},
      {"system", "a whole model, server or machine", true, 1, false, false},
      {"statistics", "bias or variance of an estimator", true, 0, false, false},
  };
  return all;
}

inline const ClaimMetric* find_claim_metric(std::string_view name) {
  for (const ClaimMetric& metric : claim_metrics()) {
    if (metric.name == name) return &metric;
  }
  return nullptr;
}

}  // namespace sb
