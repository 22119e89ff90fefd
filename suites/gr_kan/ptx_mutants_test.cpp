// Would the tests notice a wrong kernel? Single changes to nvcc's PTX of one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>

#include "testing/ptx_mutants.h"

namespace sb::gr_kan {
namespace {

using sb::testing::Case;

TEST(PtxMutants, OfPersistentAreCaughtOrExplained) {
  std::vector<Case> cases;
  cases.push_back({"gr_kan_backward", {{"rows", "65"}, {"d", "48"}, {"groups", "2"}}});
  cases.push_back({"gr_kan_backward", {{"rows", "4161"}, {"d", "2"}, {"groups", "1"}}});
  const sb::testing::MutantScore score =
      sb::testing::score_of("19backward_persistentI", "persistent", cases, 150, {});
  std::printf("%zu mutants of persistent: %zu caught, %zu equivalent\n", score.tried, score.caught,
              score.explained);
  EXPECT_GE(score.tried, 100u);
  EXPECT_THAT(score.unexplained, ::testing::IsEmpty());
}

}  // namespace
}  // namespace sb::gr_kan
