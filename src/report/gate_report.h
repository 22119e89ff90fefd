// What launch pairs have shown, as a comparison, a verdict file and a JUnit report.
#pragma once

#include <string>
#include <vector>

#include "core/gate_policy.h"
#include "report/compare.h"

namespace sb {

// One case after all its launch pairs.
struct GateEvidence {
  std::string name;
  LogRatio ratio;
  int pairs = 0;
  double coverage = 0;                 // of the interval, e.g. 0.979
  double base_ns = 0, head_ns = 0;     // medians over the pairs
  std::string base_fault, head_fault;  // "skipped: ...", "incorrect: ...", "crashed: ...", ...
  bool rerun = false;
};

Judgement judge_evidence(const GateEvidence& evidence, double threshold);
Comparison gate_comparison(const std::vector<GateEvidence>& evidence, const GatePolicy& policy);

// 3: the head build gives wrong results where base does not; 4: it crashes; 1: a verdict of
// `fail_on`; 77: no case could run in either build; else 0. Ignored rows do not count.
int gate_exit_code(const Comparison& comparison, const std::vector<GateEvidence>& evidence,
                   const std::vector<Verdict>& fail_on);

std::string gate_verdict_json(const Comparison& comparison,
                              const std::vector<GateEvidence>& evidence, int exit_code);
// A test case per row: SLOWER and MISSING are failures, AMBIGUOUS is a skipped test with its
// reason.
std::string gate_junit(const Comparison& comparison);

}  // namespace sb
