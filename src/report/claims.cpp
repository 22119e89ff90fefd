#include "report/claims.h"

#include <fmt/format.h>

#include <algorithm>

#include "report/claims_points.h"

namespace sb {
namespace {

bool wants_cuda_only(const Claim& claim) {
  return claim.run.empty() || (claim.needs.device.size() == 1 && claim.needs.device[0] == "cuda");
}

std::string why_no_side(const Claim& claim, const ClaimSide& side, const ClaimPlace& place) {
  if (!side.ours() || side.variant == "best_other" || !place.why_no_variant) return "";
  const auto& runs = wants_cuda_only(claim) ? claim.run_cuda : claim.run;
  for (const ClaimRun& run : runs) {
    if (!side.op.empty() && side.op != run.op) continue;
    std::string why;  // one alternative is enough
    for (const std::string& glob : side.globs()) {
      why = place.why_no_variant(run.op, glob);
      if (why.empty()) break;
    }
    if (!why.empty()) return why;
  }
  return "";
}

std::string class_of(const Row& row) { return row.device == "cuda" ? "gpu" : "cpu"; }

void judge_on_other_hardware(const Claim& claim, const Estimate& measured, const std::string& here,
                             ClaimResult& result) {
  const bool absolute = claim.metric == "throughput" || claim.metric == "time";
  if (absolute) {
    result.verdict = ClaimVerdict::kNotComparable;
    result.reason =
        fmt::format("an absolute figure of a {}, measured on a {}", claim.hardware_class, here);
    return;
  }
  result.verdict = ClaimVerdict::kDirectionOnly;
  const std::string sign = judge_sign(claim, measured);
  result.contradicted = sign == kSignContradicts;
  result.reason = fmt::format(
      "{}; the paper's hardware is {}, this is {}", sign.empty() ? "a size without a sign" : sign,
      claim.hardware_class == "other" ? "of another class" : claim.hardware_class, here);
}

void judge_figure(const Claim& claim, const Figure& figure, const ClaimPoint& first,
                  const ClaimEvidence& evidence, ClaimResult& result) {
  const ClaimPoint& point = figure.point != nullptr ? *figure.point : first;
  result.measured = figure.estimate;
  result.contender = point.contender.name();
  result.baseline = point.baseline.rows.empty() ? claim.baseline.text() : point.baseline.name();
  result.point = figure.point != nullptr ? point.where : "all points";
  if (!point.strongest.rows.empty()) {
    result.strongest = point.strongest.name();
    result.against_strongest = speedup_of(point.strongest, point.contender, evidence);
  }
  const std::string here = class_of(*point.contender.rows.front());
  if (claim.hardware_class != "any" && claim.hardware_class != here) {
    judge_on_other_hardware(claim, figure.estimate, here, result);
  } else {
    result.verdict = judge_bound(claim, figure.estimate);
    result.contradicted = result.verdict == ClaimVerdict::kRefutedHere;
  }
}

}  // namespace

std::string why_not_testable(const Claim& claim, const ClaimPlace& place) {
  if (!claim.not_testable.empty()) return claim.not_testable;
  if (wants_cuda_only(claim) && !place.why_no_cuda.empty()) {
    return "needs a CUDA device: " + place.why_no_cuda;
  }
  for (const ClaimSide* side : {&claim.contender, &claim.baseline}) {
    const std::string why = why_no_side(claim, *side, place);
    if (!why.empty()) return why;
  }
  return place.why_no_workload ? place.why_no_workload(claim) : "";
}

ClaimResult judge_claim(const Claim& claim, const ClaimEvidence& evidence,
                        const ClaimPlace& place) {
  ClaimResult result;
  result.claim = &claim;
  result.reason = claim.not_testable;
  if (!result.reason.empty()) return result;
  const ClaimPoints points = points_of(claim, evidence, place);
  if (points.points.empty()) {
    if (points.unmet) {
      result.verdict = ClaimVerdict::kNotComparable;
      result.reason = points.none_because;
      return result;
    }
    const std::string why = why_not_testable(claim, place);
    result.reason = why.empty() ? points.none_because : why;
    return result;
  }
  const auto figure = figure_of(claim, points.points, evidence, place);
  if (const auto* why = std::get_if<std::string>(&figure)) {
    result.verdict = ClaimVerdict::kNotComparable;
    result.reason = *why;
    return result;
  }
  judge_figure(claim, std::get<Figure>(figure), points.points.front(), evidence, result);
  return result;
}

std::vector<ClaimResult> judge_claims(const std::vector<Claim>& claims,
                                      const ClaimEvidence& evidence, const ClaimPlace& place) {
  std::vector<ClaimResult> results;
  for (const Claim& claim : claims) results.push_back(judge_claim(claim, evidence, place));
  return results;
}

}  // namespace sb
