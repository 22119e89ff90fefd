// Paper claims judged from result rows.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/claim.h"
#include "core/operation.h"
#include "core/peaks.h"
#include "core/row.h"

namespace sb {

enum class ClaimVerdict {
  kConfirmed,      // the measured interval meets the claimed bound
  kExceeded,       // it lies beyond it, on the better side
  kRefutedHere,    // it lies beyond it, on the worse side
  kInconclusive,   // it straddles the bound
  kDirectionOnly,  // other class of hardware: the sign is tested, the size reported
  kNotComparable,  // a precondition is unmet
  kNotRun,
};
std::string_view name_of(ClaimVerdict verdict);
inline constexpr ClaimVerdict kClaimVerdicts[] = {
    ClaimVerdict::kConfirmed,    ClaimVerdict::kExceeded,      ClaimVerdict::kRefutedHere,
    ClaimVerdict::kInconclusive, ClaimVerdict::kDirectionOnly, ClaimVerdict::kNotComparable,
    ClaimVerdict::kNotRun};

struct Estimate {
  double value = 0;
  double lo = 0;
  double hi = 0;
  bool paired = false;  // from per-round ratios; else from the two intervals together
};

// What is known about the place where the rows come from. Null functions know nothing.
struct ClaimPlace {
  std::string hardware;         // "Intel(R) Xeon(R) ..., 2 cores"
  std::string made_by;          // the command and the build that the report comes from
  std::string why_no_cuda;      // empty: CUDA variants can run
  double last_level_bytes = 0;  // 0: not known
  // Empty if a variant of `op` matches and can run here, else why none can.
  std::function<std::string(const std::string& op, const std::string& glob)> why_no_variant;
  // Does this build have a CUDA variant that matches, whether or not it can run here?
  std::function<bool(const std::string& op, const std::string& glob)> has_cuda_variant;
  const Peaks* peaks = nullptr;  // null: shares of a roof can't be judged
  // Empty if the claim's workloads can be planned and run here, else why not.
  std::function<std::string(const Claim&)> why_no_workload;
};

struct ClaimEvidence {
  std::vector<Row> rows;
  std::map<std::string, std::vector<Metric>> metrics;  // by identity_of()
  // Baseline time over contender time by rounds; nullopt if the rows did not share rounds.
  std::function<std::optional<Estimate>(const Row& baseline, const Row& contender)> paired;
};

struct ClaimResult {
  const Claim* claim = nullptr;
  ClaimVerdict verdict = ClaimVerdict::kNotRun;
  std::string reason;
  bool contradicted = false;         // refuted, or the sign on other hardware is the opposite one
  std::optional<Estimate> measured;  // the claim's metric, against the paper's own baseline
  std::string contender, baseline;   // variant@isa that were measured
  std::string point;                 // the case that carries the figure
  std::optional<Estimate> against_strongest;  // speed-up over the best other variant there
  std::string strongest;
};

// Empty if the claim could be judged here, else why not: one reason, the first that holds.
std::string why_not_testable(const Claim& claim, const ClaimPlace& place);

// Empty, or the precondition that a row (measured or planned) does not meet.
std::string unmet_condition(const ClaimConditions& needs, const Row& row, const ClaimPlace& place);

// Does a row belong to this side of a claim?
bool is_on_side(const ClaimSide& side, const Row& row);

// The pure core: does the interval meet the bound?
ClaimVerdict judge_bound(const Claim& claim, const Estimate& measured);
std::string bound_text(const Claim& claim);  // "speedup >= 1.28"
inline constexpr std::string_view kSignContradicts = "sign contradicts";
// Other hardware: does the sign agree? Empty if the metric has no sign; else a sentence.
std::string judge_sign(const Claim& claim, const Estimate& measured);

ClaimResult judge_claim(const Claim& claim, const ClaimEvidence& evidence, const ClaimPlace& place);
std::vector<ClaimResult> judge_claims(const std::vector<Claim>& claims,
                                      const ClaimEvidence& evidence, const ClaimPlace& place);

// Reports. All begin with the verdicts counted by paper.
std::string claims_summary(const std::vector<ClaimResult>& results, const ClaimPlace& place);
std::string claims_text(const std::vector<ClaimResult>& results, const ClaimPlace& place);
std::string claims_csv(const std::vector<ClaimResult>& results, const ClaimPlace& place);
std::string claims_markdown(const std::vector<ClaimResult>& results, const ClaimPlace& place);
std::string claims_html(const std::vector<ClaimResult>& results, const ClaimPlace& place);
// `claims --list`: of each claim whether it can be tested here and why, and what a GPU would
// settle.
std::string claims_list(const std::vector<Claim>& claims, const ClaimPlace& place);

}  // namespace sb
