#include "report/verdict.h"

#include <fmt/format.h>

#include <cmath>
#include <stdexcept>

namespace sb {

std::string_view name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::kSlower:
      return "SLOWER";
    case Verdict::kFaster:
      return "FASTER";
    case Verdict::kSame:
      return "SAME";
    case Verdict::kAmbiguous:
      return "AMBIGUOUS";
    case Verdict::kMissing:
      return "MISSING";
    case Verdict::kNew:
      return "NEW";
    case Verdict::kUncompared:
      return "UNCOMPARED";
  }
  return "";
}

Judgement judge(const LogRatio& ratio, double threshold) {
  if (!(threshold > 0 && threshold <= 10)) {
    throw std::invalid_argument(
        fmt::format("a threshold of {} makes no sense: give a share such as 0.03", threshold));
  }
  if (!std::isfinite(ratio.estimate) || !std::isfinite(ratio.lo) || !std::isfinite(ratio.hi)) {
    return {Verdict::kAmbiguous, "no finite interval: too few launches or samples"};
  }
  const double bar = std::log1p(threshold);
  if (ratio.lo > 0 && ratio.estimate > bar) return {Verdict::kSlower, ""};
  if (ratio.hi < 0 && ratio.estimate < -bar) return {Verdict::kFaster, ""};
  if (ratio.lo >= -bar && ratio.hi <= bar) return {Verdict::kSame, ""};
  const bool excludes_zero = ratio.lo > 0 || ratio.hi < 0;
  if (excludes_zero) {
    return {Verdict::kAmbiguous,
            fmt::format("a difference is certain, but it may be below {:.3g} %", threshold * 100)};
  }
  return {Verdict::kAmbiguous,
          fmt::format("interval is too wide: it holds both no change and more than {:.3g} %",
                      threshold * 100)};
}

}  // namespace sb
