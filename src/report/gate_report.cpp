#include "report/gate_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "report/html.h"

namespace sb {
namespace {

bool starts_with(const std::string& text, const char* word) { return text.rfind(word, 0) == 0; }

Comparison::Entry entry_of(const GateEvidence& evidence, const GatePolicy& policy) {
  Comparison::Entry entry;
  entry.name = evidence.name;
  entry.threshold = threshold_of(policy, evidence.name);
  entry.ignored = ignored_by(policy, evidence.name);
  if (evidence.pairs > 0) {
    entry.base.time_median_ns = evidence.base_ns;
    entry.head.time_median_ns = evidence.head_ns;
    entry.ratio = evidence.ratio;
  }
  entry.judgement = judge_evidence(evidence, entry.threshold);
  return entry;
}

nlohmann::json finite_or_null(double value) {
  return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json(nullptr);
}

}  // namespace

Judgement judge_evidence(const GateEvidence& evidence, double threshold) {
  if (!evidence.base_fault.empty() && !evidence.head_fault.empty()) {
    return {Verdict::kUncompared, "neither build can run it (" + evidence.head_fault + ")"};
  }
  for (const auto& [side, fault] :
       {std::pair{"base ", &evidence.base_fault}, std::pair{"head ", &evidence.head_fault}}) {
    if (starts_with(*fault, "no device")) return {Verdict::kUncompared, side + *fault};
  }
  if (!evidence.head_fault.empty()) return {Verdict::kMissing, "head " + evidence.head_fault};
  if (starts_with(evidence.base_fault, "crashed")) {  // and the head was not asked any more
    return {Verdict::kUncompared, "base " + evidence.base_fault};
  }
  if (!evidence.base_fault.empty()) return {Verdict::kNew, "base " + evidence.base_fault};
  if (evidence.pairs == 0) return {Verdict::kAmbiguous, "no launch pair was completed"};
  if (evidence.coverage < 0.949) {
    return {Verdict::kAmbiguous,
            fmt::format("{} launch pairs are too few for an interval", evidence.pairs)};
  }
  Judgement judgement = judge(evidence.ratio, threshold);
  if (!evidence.rerun) return judgement;
  const bool confirmed = judgement.verdict == Verdict::kSlower;
  judgement.reason = fmt::format(
      "{} by {} further pairs{}{}", confirmed ? "confirmed" : "was SLOWER, not confirmed",
      evidence.pairs, judgement.reason.empty() ? "" : "; ", judgement.reason);
  return judgement;
}

Comparison gate_comparison(const std::vector<GateEvidence>& evidence, const GatePolicy& policy) {
  Comparison comparison;
  for (const GateEvidence& e : evidence) comparison.entries.push_back(entry_of(e, policy));
  comparison.method = fmt::format(
      "Intervals: exact sign test over {} launch pairs, ABBA rounds within a pair; rows "
      "called SLOWER measured again with {} pairs.",
      policy.launch_pairs, policy.rerun_pairs);
  return comparison;
}

int gate_exit_code(const Comparison& comparison, const std::vector<GateEvidence>& evidence,
                   const std::vector<Verdict>& fail_on) {
  bool incorrect = false, crashed = false, ran = false;
  for (std::size_t i = 0; i < evidence.size(); ++i) {
    const GateEvidence& e = evidence[i];
    ran = ran || e.pairs > 0;
    if (!comparison.entries[i].ignored.empty() || !e.base_fault.empty()) continue;
    incorrect = incorrect || starts_with(e.head_fault, "incorrect");
    crashed = crashed || starts_with(e.head_fault, "crashed");
  }
  if (incorrect) return 3;
  if (crashed) return 4;
  if (fails(comparison, fail_on)) return 1;
  return ran ? 0 : 77;
}

std::string gate_verdict_json(const Comparison& comparison,
                              const std::vector<GateEvidence>& evidence, int exit_code) {
  nlohmann::json json = nlohmann::json::parse(to_json(comparison));
  json["exit_code"] = exit_code;
  for (std::size_t i = 0; i < evidence.size(); ++i) {
    nlohmann::json& row = json["rows"][i];
    row["launch_pairs"] = evidence[i].pairs;
    row["coverage"] = finite_or_null(evidence[i].coverage);
    row["rerun"] = evidence[i].rerun;
  }
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::string gate_junit(const Comparison& comparison) {
  std::string cases;
  int failures = 0, skipped = 0;
  for (const Comparison::Entry& entry : comparison.entries) {
    const Verdict verdict = entry.judgement.verdict;
    const std::string change =
        entry.base.time_median_ns
            ? fmt::format("{:+.1f} % [{:+.1f}, {:+.1f}]", std::expm1(entry.ratio.estimate) * 100,
                          std::expm1(entry.ratio.lo) * 100, std::expm1(entry.ratio.hi) * 100)
            : "no time";
    const std::string message =
        html_escape(fmt::format("{}: {} {}", name_of(verdict), change, entry.judgement.reason));
    const std::size_t slash = entry.name.rfind('/', entry.name.find('@'));
    cases += fmt::format("  <testcase classname=\"{}\" name=\"{}\">",
                         html_escape(entry.name.substr(0, slash)), html_escape(entry.name));
    const bool failed = verdict == Verdict::kSlower || verdict == Verdict::kMissing;
    if (failed && entry.ignored.empty()) {
      ++failures;
      cases += fmt::format("<failure message=\"{}\"/>", message);
    } else if (failed || verdict == Verdict::kAmbiguous || verdict == Verdict::kUncompared ||
               !entry.ignored.empty()) {
      ++skipped;
      cases += fmt::format("<skipped message=\"{}\"/>", message);
    } else {
      cases += fmt::format("<system-out>{}</system-out>", message);
    }
    cases += "</testcase>\n";
  }
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<testsuite name=\"softmax-bench gate\" tests=\"{}\" failures=\"{}\" skipped=\"{}\">\n{}"
      "</testsuite>\n",
      comparison.entries.size(), failures, skipped, cases);
}

}  // namespace sb
