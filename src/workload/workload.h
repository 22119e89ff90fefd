// Workload files: what they say, and the plan that they and the command line make together.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/peer_spec.h"
#include "core/plan.h"

namespace sb {

// One axis of a sweep, values as canonical text, in the order of the file.
struct Axis {
  std::string name;
  std::vector<std::string> values;
};

inline constexpr int kAllThreads = 0;  // the word `all`

// One mapping of a workload file; every name in it is known and every value is allowed.
struct Workload {
  std::string place;  // "configs/llm.yaml:7:1", for errors that show only in the plan
  std::string file;
  std::string name;
  std::string description;
  const Operation* op = nullptr;
  std::vector<Dtype> dtypes;
  std::vector<Axis> sweep;
  std::vector<PeerSpec> peers;
  std::vector<std::string> variants = {"*"};  // globs
  std::string baseline;                       // empty: no ratios
  std::vector<int> threads = {1};
  std::vector<CacheState> cache = {CacheState::kWarm};
  Fill fill;
  std::uint64_t seed = 1;
  int rounds = 15;
  double min_time_s = 0.02;
  double timeout_s = 120;
};

// What the command line says instead. Words are checked by plan_workloads like those of a file.
struct Overrides {
  std::map<std::string, std::vector<std::string>> set;  // axis, dtype, cache or fill
  std::vector<std::string> variants;                    // globs
  std::vector<std::string> threads;                     // numbers or `all`
  std::string device = "all";                           // cpu, cuda, all
  std::string filter;                                   // regular expression over case_name
  std::optional<std::uint64_t> seed;
  std::optional<int> rounds;
  std::optional<double> min_time_s;
  std::optional<double> timeout_s;
  bool quick = false;  // few short rounds, and no problem above kQuickBytes but the smallest
};
inline constexpr double kQuickBytes = 16 << 20;

// What this machine can be asked for.
struct Limits {
  int threads = 1;
  double memory_bytes = 0;  // 0: not known, nothing is refused for its size
};

struct PlannedGroup {
  Group group;
  std::string file;  // the workload's
  std::string
      refused;  // why its cases can only be skipped: the operation's or the machine's reason
};

struct Plan {
  std::vector<Workload> workloads;
  std::vector<PlannedGroup> groups;
  std::vector<std::string> errors;  // of all files and options; if there are any, nothing may run
};

// The external peers that the files name, and the variants that they ask for as (operation, word)
// pairs, whatever else is wrong with them: their kernels have to be registered before a plan is
// made, and the plan reports the errors. A name with two meanings is an error that is reported
// here.
struct PeerMentions {
  std::vector<PeerSpec> peers;
  std::vector<std::pair<std::string, std::string>> words;
  double longest_case_s = 0;  // the longest `timeout` of a workload; 0: there is none
};
PeerMentions read_peers(const std::vector<std::string>& files, const Overrides& overrides,
                        std::vector<std::string>& errors);

std::vector<Workload> read_workloads(const std::vector<std::string>& files,
                                     std::vector<std::string>& errors);
std::vector<Workload> parse_workloads(
    const std::string& text, const std::string& name,
    std::vector<std::string>& errors);  // `name` stands for a file
Plan plan_workloads(const std::vector<std::string>& files, const Overrides& overrides,
                    const Limits& limits);
Plan plan_workload_text(const std::string& text, const std::string& name,
                        const Overrides& overrides, const Limits& limits);

// Does the file look like workloads (rather than a policy or a catalogue)? For `list workloads`.
bool looks_like_workloads(const std::string& file);

}  // namespace sb
