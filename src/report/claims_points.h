// From rows to the figure a claim is about. Internal to the report room.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "report/claims.h"

namespace sb {

// The rows of one side at one point of a sweep: one, or one per operation if they are summed.
struct SidePoint {
  std::vector<const Row*> rows;

  double median_ns() const;
  double lo_ns() const;
  double hi_ns() const;
  std::string name() const;  // "two_pass@avx512"
};

struct ClaimPoint {
  std::string where;  // "f32/cols=1024;rows=1/t1/cold"
  std::string params;
  SidePoint contender;
  SidePoint baseline;   // empty if the claim has none of ours
  SidePoint strongest;  // empty if there is none
};

struct ClaimPoints {
  std::vector<ClaimPoint> points;
  std::string none_because;  // why there are no points
  bool unmet = false;        // none, because a precondition is unmet
};
ClaimPoints points_of(const Claim& claim, const ClaimEvidence& evidence, const ClaimPlace& place);

// Baseline time over contender time.
Estimate speedup_of(const SidePoint& baseline, const SidePoint& contender,
                    const ClaimEvidence& evidence);

struct Figure {
  Estimate estimate;
  const ClaimPoint* point = nullptr;  // the one that carries it; null for a fit over all
};
// The claim's metric over all points; a sentence if it can't be formed.
std::variant<Figure, std::string> figure_of(const Claim& claim,
                                            const std::vector<ClaimPoint>& points,
                                            const ClaimEvidence& evidence, const ClaimPlace& place);

std::string param_of(const Row& row, const std::string& name);  // default if left out; may be empty

}  // namespace sb
