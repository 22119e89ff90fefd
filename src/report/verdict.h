// The regression verdict: pure, so that every word can be tested without a clock.
#pragma once

#include <string>
#include <string_view>

namespace sb {

// New over base as a natural logarithm: 0.0296 is 3 % slower.
struct LogRatio {
  double estimate = 0;
  double lo = 0;
  double hi = 0;
};

enum class Verdict { kSlower, kFaster, kSame, kAmbiguous, kMissing, kNew, kUncompared };
std::string_view name_of(Verdict verdict);

struct Judgement {
  Verdict verdict = Verdict::kAmbiguous;
  std::string reason;  // empty if the verdict speaks for itself
};

// SLOWER: the interval excludes 0 and the estimate passes the threshold; FASTER its mirror image;
// SAME: the whole interval lies inside the threshold; else AMBIGUOUS, and why.
// `threshold` is relative: 0.03 for three per cent. Throws std::invalid_argument unless it is in
// (0, 10].
Judgement judge(const LogRatio& ratio, double threshold);

}  // namespace sb
