// Workloads and the command line -> groups.
#include <fmt/format.h>

#include <algorithm>
#include <regex>
#include <set>

#include "core/registry.h"
#include "workload/values.h"
#include "workload/workload.h"

namespace sb {
namespace {

constexpr double kMostGroups = 20000;      // of one workload: a typo, or a week of measuring
constexpr double kMostMemoryShare = 0.85;  // the rest is the system's, the kernels' workspaces
constexpr int kQuickRounds = 5;
constexpr double kQuickMinTime = 0.002;

std::string device_name(const Variant& variant) { return std::string(name_of(variant.device)); }

// --- the command line's words ------------------------------------------------------------------

// Applies --set to one workload; true if its operation knows the key.
bool set_axis(Workload& workload, const std::string& key, const std::vector<std::string>& values,
              std::vector<std::string>& problems) {
  const auto check = [&](const std::string& problem) {
    if (!problem.empty()) problems.push_back(problem);
  };
  if (key == "dtype") {
    workload.dtypes.clear();
    for (const std::string& value : values) {
      check(read_dtype(value, *workload.op, workload.dtypes.emplace_back()));
    }
    return true;
  }
  if (key == "cache") {
    workload.cache.clear();
    for (const std::string& value : values) check(read_cache(value, workload.cache.emplace_back()));
    return true;
  }
  if (key == "fill") {
    // A fill has commas of its own: normal(0,4).
    check(read_fill(fmt::format("{}", fmt::join(values, ",")), *workload.op, workload.fill));
    return true;
  }
  if (!check_param_name(*workload.op, key).empty()) return false;
  for (const std::string& value : values) check(check_param(*workload.op, key, value));
  const auto axis = std::find_if(workload.sweep.begin(), workload.sweep.end(),
                                 [&](const Axis& a) { return a.name == key; });
  if (axis != workload.sweep.end()) {
    axis->values = values;
  } else {
    workload.sweep.push_back({key, values});
  }
  return true;
}

std::vector<std::string> settable(const std::vector<Workload>& workloads) {
  std::set<std::string> names = {"dtype", "cache", "fill"};
  for (const Workload& workload : workloads) {
    for (const ParamSpec& spec : workload.op->params()) names.insert(spec.name);
  }
  return {names.begin(), names.end()};
}

void apply_sets(const Overrides& overrides, Plan& plan) {
  for (const auto& [key, values] : overrides.set) {
    bool known = false;
    std::vector<std::string> problems;
    for (Workload& workload : plan.workloads) known |= set_axis(workload, key, values, problems);
    const std::string option = fmt::format("--set {}={}", key, fmt::join(values, ","));
    if (!known) {
      plan.errors.push_back(fmt::format("{}: no operation of these workloads has \"{}\"{}", option,
                                        key, suggestion(key, settable(plan.workloads))));
    }
    std::sort(problems.begin(), problems.end());
    problems.erase(std::unique(problems.begin(), problems.end()), problems.end());
    for (const std::string& problem : problems) {
      plan.errors.push_back(fmt::format("{}: {}", option, problem));
    }
  }
}

void apply_variants(const Overrides& overrides, Plan& plan) {
  if (overrides.variants.empty()) return;
  for (const std::string& glob : overrides.variants) {
    std::string problem;
    bool known = false;
    for (const Workload& workload : plan.workloads) {
      const std::string why = check_glob(glob, *workload.op);
      known |= why.empty();
      problem = why;
    }
    if (!known) plan.errors.push_back(fmt::format("--variants {}: {}", glob, problem));
  }
  for (Workload& workload : plan.workloads) workload.variants = overrides.variants;
}

void apply_protocol(const Overrides& overrides, Plan& plan) {
  std::vector<int> threads;
  for (const std::string& text : overrides.threads) {
    const std::string problem = read_threads(text, threads.emplace_back());
    if (!problem.empty()) plan.errors.push_back("--threads: " + problem);
  }
  if (Device ignored; overrides.device != "all" && !parse_device(overrides.device, ignored)) {
    plan.errors.push_back(
        fmt::format("--device: unknown device \"{}\"{}", overrides.device,
                    suggestion(overrides.device, {"cpu", "cuda", "simt", "ptx", "all"})));
  }
  for (Workload& workload : plan.workloads) {
    if (!threads.empty()) workload.threads = threads;
    if (overrides.seed) workload.seed = *overrides.seed;
    if (overrides.rounds) workload.rounds = *overrides.rounds;
    if (overrides.min_time_s) workload.min_time_s = *overrides.min_time_s;
    if (overrides.timeout_s) workload.timeout_s = *overrides.timeout_s;
    if (!overrides.quick) continue;
    if (!overrides.rounds) workload.rounds = std::min(workload.rounds, kQuickRounds);
    if (!overrides.min_time_s) workload.min_time_s = std::min(workload.min_time_s, kQuickMinTime);
  }
}

// --- a workload's groups -----------------------------------------------------------------------

double bytes_of(const TensorSpec& spec) {
  double bytes = static_cast<double>(size_of(spec.dtype));
  for (const std::int64_t extent : spec.dims) bytes *= static_cast<double>(extent);
  return bytes;
}

double operand_bytes(const Operation& op, const Problem& problem) {
  double bytes = 0;
  for (const TensorSpec& spec : op.tensors(problem)) bytes += bytes_of(spec);
  return bytes;
}

// Operands, the two further sets that a rotation has at least, and two doubles for every element of
// an output: the expected value and its scale.
double memory_needed(const Operation& op, const Problem& problem, CacheState cache) {
  constexpr double kSets = 2;
  double bytes = 0;
  for (const TensorSpec& spec : op.tensors(problem)) {
    const double tensor = bytes_of(spec);
    const bool output = spec.role == Role::kOutput;
    const bool rotates = cache == CacheState::kCold || (cache == CacheState::kColdOutput && output);
    bytes += tensor * (rotates ? 1 + kSets : 1);
    if (output) bytes += tensor / static_cast<double>(size_of(spec.dtype)) * 2 * sizeof(double);
  }
  return bytes;
}

std::string why_not_here(const Problem& problem, double bytes, const Limits& limits) {
  if (problem.threads > limits.threads) {
    return fmt::format("asks for {} threads; this machine gives {}", problem.threads,
                       limits.threads);
  }
  if (limits.memory_bytes > 0 && bytes > kMostMemoryShare * limits.memory_bytes) {
    return fmt::format(
        "operands and expected answers take {:.1f} GiB, more than {:.0f} % of this machine's "
        "{:.1f} "
        "GiB",
        bytes / (1 << 30), 100 * kMostMemoryShare, limits.memory_bytes / (1 << 30));
  }
  return "";
}

class Expander {
 public:
  Expander(const Workload& workload, const Overrides& overrides, const Limits& limits, Plan& plan)
      : workload_(workload), overrides_(overrides), limits_(limits), plan_(plan) {}

  void run() {
    if (!is_complete() || !is_of_sane_size()) return;
    select_variants();
    if (variants_.empty()) return;
    resolve_threads();
    for (const Dtype dtype : workload_.dtypes) {
      std::map<std::string, std::string> values;
      walk_axes(0, dtype, values);
    }
    if (!groups_.empty() && valid_ == 0) {
      plan_.errors.push_back(fmt::format("{}: no combination of the sweep is valid: {}",
                                         workload_.place, first_refusal_));
    }
    if (overrides_.quick) keep_small_problems();
    plan_.groups.insert(plan_.groups.end(), groups_.begin(), groups_.end());
  }

 private:
  bool is_complete() {
    bool complete = true;
    for (const ParamSpec& spec : workload_.op->params()) {
      const bool given = std::any_of(workload_.sweep.begin(), workload_.sweep.end(),
                                     [&](const Axis& axis) { return axis.name == spec.name; });
      if (given || !spec.default_value.empty()) continue;
      complete = false;
      plan_.errors.push_back(
          fmt::format("{}: the sweep needs {} ({})", workload_.place, spec.name, spec.doc));
    }
    return complete;
  }

  bool is_of_sane_size() {
    double groups = static_cast<double>(workload_.dtypes.size() * workload_.threads.size() *
                                        workload_.cache.size());
    for (const Axis& axis : workload_.sweep) groups *= static_cast<double>(axis.values.size());
    if (groups <= kMostGroups) return true;
    plan_.errors.push_back(fmt::format(
        "{}: a sweep of {:.0f} combinations; at most {:.0f} make sense, take fewer values",
        workload_.place, groups, kMostGroups));
    return false;
  }

  void select_variants() {
    for (const Variant* variant : Registry::instance().variants_of(workload_.op->name())) {
      const bool wanted = std::any_of(workload_.variants.begin(), workload_.variants.end(),
                                      [&](const auto& glob) { return selects(glob, *variant); });
      // Fibers are asked for by name: `all` is what could be timed.
      const bool there = overrides_.device == "all" ? is_timed(variant->device)
                                                    : overrides_.device == device_name(*variant);
      if (wanted && there) variants_.push_back(variant);
    }
  }

  void resolve_threads() {
    for (const int wanted : workload_.threads) {
      const int threads = wanted == kAllThreads ? limits_.threads : wanted;
      if (std::find(threads_.begin(), threads_.end(), threads) == threads_.end()) {
        threads_.push_back(threads);
      }
    }
  }

  void walk_axes(std::size_t depth, Dtype dtype, std::map<std::string, std::string>& values) {
    if (depth == workload_.sweep.size()) {
      const Params params(workload_.op->params(), values);
      for (const int threads : threads_) {
        for (const CacheState cache : workload_.cache) add({params, dtype, threads}, cache);
      }
      return;
    }
    for (const std::string& value : workload_.sweep[depth].values) {
      values[workload_.sweep[depth].name] = value;
      walk_axes(depth + 1, dtype, values);
    }
  }

  void add(const Problem& problem, CacheState cache) {
    PlannedGroup planned;
    planned.file = workload_.file;
    planned.group = {.workload = workload_.name,
                     .op = workload_.op,
                     .problem = problem,
                     .cache = cache,
                     .fill = workload_.fill,
                     .seed = workload_.seed,
                     .variants = variants_,
                     .baseline = workload_.baseline,
                     .rounds = workload_.rounds,
                     .min_time_s = workload_.min_time_s,
                     .timeout_s = workload_.timeout_s};
    double bytes = 0;
    planned.refused = workload_.op->why_not(problem);
    if (planned.refused.empty()) {
      ++valid_;
      bytes = operand_bytes(*workload_.op, problem);
      planned.refused =
          why_not_here(problem, memory_needed(*workload_.op, problem, cache), limits_);
    } else if (first_refusal_.empty()) {
      first_refusal_ = planned.refused;
    }
    groups_.push_back(std::move(planned));
    bytes_.push_back(bytes);
  }

  void keep_small_problems() {
    const double smallest = bytes_.empty() ? 0 : *std::min_element(bytes_.begin(), bytes_.end());
    const double most = std::max(kQuickBytes, smallest);
    std::size_t i = 0;
    std::erase_if(groups_, [&](const PlannedGroup&) { return bytes_[i++] > most; });
  }

  const Workload& workload_;
  const Overrides& overrides_;
  const Limits& limits_;
  Plan& plan_;
  std::vector<const Variant*> variants_;
  std::vector<int> threads_;
  std::vector<PlannedGroup> groups_;
  std::vector<double> bytes_;  // operands of each group
  std::size_t valid_ = 0;      // combinations that make sense to the operation
  std::string first_refusal_;
};

// --- what is left of it ------------------------------------------------------------------------

void apply_filter(const std::string& filter, Plan& plan) {
  if (filter.empty() || plan.groups.empty()) return;
  std::regex pattern;
  try {
    pattern.assign(filter, std::regex::ECMAScript);
  } catch (const std::regex_error& error) {
    plan.errors.push_back(
        fmt::format("--filter \"{}\" is not a regular expression: {}", filter, error.what()));
    return;
  }
  const Group& first = plan.groups.front().group;
  const std::string example = case_name(first, *first.variants.front());
  std::size_t cases = 0;
  for (PlannedGroup& planned : plan.groups) {
    cases += planned.group.variants.size();
    std::erase_if(planned.group.variants, [&](const Variant* variant) {
      return !std::regex_search(case_name(planned.group, *variant), pattern);
    });
  }
  std::erase_if(plan.groups, [](const PlannedGroup& p) { return p.group.variants.empty(); });
  if (plan.groups.empty()) {
    plan.errors.push_back(fmt::format(
        "--filter \"{}\" matches none of the {} cases; the first is {}", filter, cases, example));
  }
}

Plan expanded(Plan plan, const Overrides& overrides, const Limits& limits) {
  if (!plan.errors.empty()) return plan;  // a workload with errors has holes where names were wrong
  apply_sets(overrides, plan);
  apply_variants(overrides, plan);
  apply_protocol(overrides, plan);
  if (!plan.errors.empty()) return plan;
  for (const Workload& workload : plan.workloads) Expander(workload, overrides, limits, plan).run();
  if (plan.errors.empty()) apply_filter(overrides.filter, plan);
  return plan;
}

}  // namespace

Plan plan_workloads(const std::vector<std::string>& files, const Overrides& overrides,
                    const Limits& limits) {
  Plan plan;
  plan.workloads = read_workloads(files, plan.errors);
  return expanded(std::move(plan), overrides, limits);
}

Plan plan_workload_text(const std::string& text, const std::string& name,
                        const Overrides& overrides, const Limits& limits) {
  Plan plan;
  plan.workloads = parse_workloads(text, name, plan.errors);
  return expanded(std::move(plan), overrides, limits);
}

}  // namespace sb
