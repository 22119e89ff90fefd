#include "report/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>

#include "core/registry.h"

namespace sb {
namespace {

using Index = std::map<std::string, std::size_t>;

Index index_of(const RunRows& run) {
  Index index;
  for (std::size_t i = 0; i < run.rows.size(); ++i) {
    const auto [it, fresh] = index.emplace(identity_of(run.rows[i]), i);
    if (!fresh) {
      throw std::invalid_argument(fmt::format(
          "{}: the case {} is already in {}; compare one run at a time, or delete one of the rows",
          run.where(i), case_name(run.rows[i]), run.where(it->second)));
    }
  }
  return index;
}

std::string host_of(const RunRows& run) {
  std::string host;
  std::size_t first = 0;
  for (std::size_t i = 0; i < run.rows.size(); ++i) {
    if (run.rows[i].host.empty()) continue;
    if (host.empty()) {
      host = run.rows[i].host;
      first = i;
    } else if (run.rows[i].host != host) {
      throw std::invalid_argument(fmt::format(
          "{}: host is \"{}\", but {} has \"{}\"; a run to compare comes from one machine",
          run.where(i), run.rows[i].host, run.where(first), host));
    }
  }
  return host;
}

bool has_time(const Row& row) { return row.time_median_ns.has_value(); }

bool is_evidence(const Row& row) {
  return row.status == status::kOk || row.status == status::kNoisy;
}

std::string why_no_time(const Row& row) {
  return row.reason.empty() ? row.status : row.status + ": " + row.reason;
}

Judgement judge_rows(const Row& base, const Row& head, const LogRatio& ratio, double threshold) {
  if (!has_time(base) && !has_time(head)) {
    return {Verdict::kUncompared, "neither run has a time (" + why_no_time(head) + ")"};
  }
  if (!has_time(head)) return {Verdict::kMissing, "had a time, now " + why_no_time(head)};
  if (!has_time(base)) return {Verdict::kNew, "had no time (" + why_no_time(base) + ")"};
  for (const Row* row : {&base, &head}) {
    if (!is_evidence(*row)) return {Verdict::kAmbiguous, why_no_time(*row)};
  }
  return judge(ratio, threshold);
}

Comparison::Entry entry_of(const Row* base, const Row* head, const GatePolicy& policy) {
  Comparison::Entry entry;
  entry.name = case_name(base != nullptr ? *base : *head);
  entry.threshold = threshold_of(policy, entry.name);
  entry.ignored = ignored_by(policy, entry.name);
  if (base != nullptr) entry.base = *base;
  if (head != nullptr) entry.head = *head;
  if (head == nullptr) {
    entry.judgement = has_time(*base)
                          ? Judgement{Verdict::kMissing, "the row is not in the new run"}
                          : Judgement{Verdict::kUncompared, "no time before, no row now"};
    return entry;
  }
  if (base == nullptr) {
    entry.judgement = {Verdict::kNew, "the row is not in the base run"};
    return entry;
  }
  if (has_time(*base) && has_time(*head)) entry.ratio = ratio_of_rows(*base, *head);
  entry.judgement = judge_rows(*base, *head, entry.ratio, entry.threshold);
  return entry;
}

}  // namespace

std::string RunRows::where(std::size_t index) const {
  const std::int64_t line = index < lines.size() ? lines[index] : 0;
  return line > 0 ? fmt::format("{}:{}", file, line) : file;
}

std::string case_name(const Row& row) {
  return fmt::format("{}/{}/{}@{}/{}/{}/t{}/{}", row.workload, row.op, row.variant, row.isa,
                     row.dtype, row.params, row.threads.value_or(0), row.cache);
}

double threshold_of(const GatePolicy& policy, const std::string& name) {
  double threshold = policy.threshold;
  for (const ThresholdRule& rule : policy.thresholds) {
    if (glob_match(rule.pattern, name)) threshold = rule.threshold;
  }
  return threshold;
}

std::string ignored_by(const GatePolicy& policy, const std::string& name) {
  for (const IgnoreRule& rule : policy.ignore) {
    if (glob_match(rule.pattern, name)) {
      return rule.reason.empty() ? "ignored by the policy" : rule.reason;
    }
  }
  return "";
}

LogRatio ratio_of_rows(const Row& base, const Row& head) {
  const double base_median = *base.time_median_ns;
  const double head_median = *head.time_median_ns;
  LogRatio ratio;
  ratio.estimate = std::log(head_median / base_median);
  if (!base.time_lo_ns || !base.time_hi_ns || !head.time_lo_ns || !head.time_hi_ns) {
    ratio.lo = -HUGE_VAL;
    ratio.hi = HUGE_VAL;
    return ratio;
  }
  ratio.lo = std::log(*head.time_lo_ns / *base.time_hi_ns);
  ratio.hi = std::log(*head.time_hi_ns / *base.time_lo_ns);
  return ratio;
}

int Comparison::count(Verdict verdict) const {
  return static_cast<int>(std::count_if(entries.begin(), entries.end(), [&](const Entry& entry) {
    return entry.ignored.empty() && entry.judgement.verdict == verdict;
  }));
}

Comparison compare(const RunRows& base, const RunRows& head, const CompareOptions& options) {
  const Index base_index = index_of(base);
  const Index head_index = index_of(head);
  Comparison comparison;
  comparison.base_host = host_of(base);
  comparison.head_host = host_of(head);
  if (comparison.across_machines() && !options.across_machines) {
    throw std::invalid_argument(fmt::format(
        "{} was measured on \"{}\", {} on \"{}\": a ratio between two machines is no regression; "
        "measure both on one, or say --across-machines",
        base.file, comparison.base_host, head.file, comparison.head_host));
  }
  for (const Row& row : base.rows) {
    const auto it = head_index.find(identity_of(row));
    const Row* other = it == head_index.end() ? nullptr : &head.rows[it->second];
    comparison.entries.push_back(entry_of(&row, other, options.policy));
  }
  for (const Row& row : head.rows) {
    if (base_index.count(identity_of(row)) == 0) {
      comparison.entries.push_back(entry_of(nullptr, &row, options.policy));
    }
  }
  return comparison;
}

std::vector<Verdict> parse_fail_on(const std::string& words) {
  static const std::map<std::string, Verdict> known = {{"slower", Verdict::kSlower},
                                                       {"missing", Verdict::kMissing},
                                                       {"ambiguous", Verdict::kAmbiguous}};
  std::vector<Verdict> verdicts;
  std::istringstream stream(words);
  for (std::string word; std::getline(stream, word, ',');) {
    if (word == "none" || word.empty()) continue;
    const auto it = known.find(word);
    if (it == known.end()) {
      throw std::invalid_argument(
          "--fail-on does not know \"" + word +
          "\"; it takes slower, missing, ambiguous, separated by commas, or none");
    }
    verdicts.push_back(it->second);
  }
  return verdicts;
}

bool fails(const Comparison& comparison, const std::vector<Verdict>& fail_on) {
  return std::any_of(fail_on.begin(), fail_on.end(),
                     [&](Verdict verdict) { return comparison.count(verdict) > 0; });
}

}  // namespace sb
