// Would the tests notice a wrong kernel? Single changes to nvcc's PTX of one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>

#include "testing/ptx_mutants.h"

namespace sb::gr_kan {
namespace {

using sb::testing::Case;

TEST(PtxMutants, OfPersistentAreCaughtOrExplained) {
  const auto given = [](const char* rows, const char* d, const char* groups,
                        const char* numerator) {
    return Case("gr_kan_backward", {{"rows", rows},
                                    {"d", d},
                                    {"groups", groups},
                                    {"numerator", numerator},
                                    {"coefficients", "random"}});
  };
  std::vector<Case> cases;
  cases.push_back(given("65", "12", "2", "per_group"));
  cases.push_back(given("65", "12", "2", "shared"));
  cases.push_back(given("4225", "2", "1", "per_group"));  // blocks walk over two tiles
  const sb::testing::MutantScore score =
      sb::testing::score_of("19backward_persistentI", "persistent", cases, 150, {});
  std::printf(
      "%zu mutants of persistent: %zu caught, %zu within the tolerance, %zu not executed, %zu "
      "equivalent\n",
      score.tried, score.caught, score.within_tolerance, score.not_executed, score.explained);
  EXPECT_GE(score.tried, 100u);
  EXPECT_THAT(score.unexplained, ::testing::IsEmpty());
}

}  // namespace
}  // namespace sb::gr_kan
