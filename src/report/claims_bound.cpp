// The pure half of judging a claim: intervals against bounds.
#include <fmt/format.h>

#include <utility>

#include "report/claims.h"

namespace sb {
namespace {

// A band has two bounds: an interval that straddles either leaves the verdict open.
ClaimVerdict judge_about(const Claim& claim, const Estimate& measured, bool higher_is_better) {
  const double slack = claim.value == 0 ? claim.band : std::abs(claim.value) * claim.band;
  const double lo = claim.value - slack;
  const double hi = claim.value + slack;
  const auto [beyond, short_of] = higher_is_better ? std::pair(measured.lo > hi, measured.hi < lo)
                                                   : std::pair(measured.hi<lo, measured.lo> hi);
  if (beyond) return ClaimVerdict::kExceeded;
  if (short_of) return ClaimVerdict::kRefutedHere;
  const bool inside = measured.lo >= lo && measured.hi <= hi;
  return inside ? ClaimVerdict::kConfirmed : ClaimVerdict::kInconclusive;
}

ClaimVerdict judge_at_least(const Claim& claim, const Estimate& measured, bool higher_is_better) {
  if (measured.hi < claim.value) return ClaimVerdict::kRefutedHere;
  if (measured.lo < claim.value) return ClaimVerdict::kInconclusive;
  const bool beyond = measured.lo > claim.value * (1 + claim.band);
  return higher_is_better && beyond ? ClaimVerdict::kExceeded : ClaimVerdict::kConfirmed;
}

// Of a quantity where more is better, "at most" is the upper end of a range: more is no refutation.
ClaimVerdict judge_at_most(const Claim& claim, const Estimate& measured, bool higher_is_better) {
  if (measured.lo > claim.value) {
    return higher_is_better ? ClaimVerdict::kExceeded : ClaimVerdict::kRefutedHere;
  }
  if (measured.hi > claim.value) return ClaimVerdict::kInconclusive;
  const bool beyond = measured.hi < claim.value * (1 - claim.band);
  return !higher_is_better && beyond ? ClaimVerdict::kExceeded : ClaimVerdict::kConfirmed;
}

int sign_of(const Estimate& measured, double neutral) {
  if (measured.lo > neutral) return 1;
  if (measured.hi < neutral) return -1;
  return 0;
}

int claimed_sign(const Claim& claim, double neutral) {
  if (claim.value > neutral) return 1;
  if (claim.value < neutral) return -1;
  return claim.relation == ">=" ? 1 : claim.relation == "<=" ? -1 : 0;
}

}  // namespace

std::string_view name_of(ClaimVerdict verdict) {
  switch (verdict) {
    case ClaimVerdict::kConfirmed:
      return "CONFIRMED";
    case ClaimVerdict::kExceeded:
      return "EXCEEDED";
    case ClaimVerdict::kRefutedHere:
      return "REFUTED HERE";
    case ClaimVerdict::kInconclusive:
      return "INCONCLUSIVE";
    case ClaimVerdict::kDirectionOnly:
      return "DIRECTION ONLY";
    case ClaimVerdict::kNotComparable:
      return "NOT COMPARABLE";
    case ClaimVerdict::kNotRun:
      return "NOT RUN";
  }
  return "";
}

ClaimVerdict judge_bound(const Claim& claim, const Estimate& measured) {
  const bool higher_is_better = find_claim_metric(claim.metric)->higher_is_better;
  if (claim.relation == ">=") return judge_at_least(claim, measured, higher_is_better);
  if (claim.relation == "<=") return judge_at_most(claim, measured, higher_is_better);
  return judge_about(claim, measured, higher_is_better);
}

std::string judge_sign(const Claim& claim, const Estimate& measured) {
  const ClaimMetric& metric = *find_claim_metric(claim.metric);
  if (!metric.has_sign) return "";
  const int got = sign_of(measured, metric.neutral);
  const int claimed = claimed_sign(claim, metric.neutral);
  if (got == 0) return fmt::format("sign undecided: the interval holds {:g}", metric.neutral);
  return std::string(got == claimed ? "sign agrees" : kSignContradicts);
}

std::string bound_text(const Claim& claim) {
  return fmt::format("{} {} {:.4g}", claim.metric, claim.relation, claim.value);
}

}  // namespace sb
