#include "report/verdict.h"

#include <gtest/gtest.h>

#include <cmath>

namespace sb {
namespace {

LogRatio percent(double estimate, double lo, double hi) {
  return {std::log1p(estimate / 100), std::log1p(lo / 100), std::log1p(hi / 100)};
}

TEST(Judge, SaysSlowerWhenTheIntervalExcludesZeroAndTheEstimatePassesTheThreshold) {
  EXPECT_EQ(judge(percent(5, 1, 8), 0.03).verdict, Verdict::kSlower);
}

TEST(Judge, SaysFasterInTheMirrorImage) {
  const LogRatio slower = percent(5, 1, 8);
  const LogRatio faster{-slower.estimate, -slower.hi, -slower.lo};
  EXPECT_EQ(judge(faster, 0.03).verdict, Verdict::kFaster);
}

TEST(Judge, NeverSaysSlowerWhenTheIntervalHoldsZero) {
  const Judgement judgement = judge(percent(20, -0.1, 40), 0.03);
  EXPECT_EQ(judgement.verdict, Verdict::kAmbiguous);
  EXPECT_NE(judgement.reason.find("too wide"), std::string::npos) << judgement.reason;
}

TEST(Judge, NeverSaysSlowerBelowTheThresholdHoweverSure) {
  EXPECT_EQ(judge(percent(2, 1.9, 2.1), 0.03).verdict, Verdict::kSame);
}

TEST(Judge, IsAmbiguousWhenADifferenceIsCertainButPerhapsTooSmallToMatter) {
  const Judgement judgement = judge(percent(2.5, 1, 4), 0.03);
  EXPECT_EQ(judgement.verdict, Verdict::kAmbiguous);
  EXPECT_NE(judgement.reason.find("certain"), std::string::npos) << judgement.reason;
}

TEST(Judge, SaysSameOnlyWhenTheWholeIntervalLiesInside) {
  EXPECT_EQ(judge(percent(0, -2.9, 2.9), 0.03).verdict, Verdict::kSame);
  EXPECT_EQ(judge(percent(0, -2.9, 3.1), 0.03).verdict, Verdict::kAmbiguous);
}

TEST(Judge, FollowsTheThresholdItIsGiven) {
  const LogRatio ratio = percent(5, 4, 6);
  EXPECT_EQ(judge(ratio, 0.03).verdict, Verdict::kSlower);
  EXPECT_EQ(judge(ratio, 0.10).verdict, Verdict::kSame);
}

TEST(Judge, IsAmbiguousWithoutAFiniteInterval) {
  EXPECT_EQ(judge({0.5, -HUGE_VAL, HUGE_VAL}, 0.03).verdict, Verdict::kAmbiguous);
  EXPECT_EQ(judge({std::nan(""), 0.1, 0.2}, 0.03).verdict, Verdict::kAmbiguous);
}

TEST(Judge, RefusesAThresholdThatIsNoShare) {
  EXPECT_THROW(judge({}, 0), std::invalid_argument);
  EXPECT_THROW(judge({}, -0.03), std::invalid_argument);
  EXPECT_THROW(judge({}, std::nan("")), std::invalid_argument);
}

}  // namespace
}  // namespace sb
