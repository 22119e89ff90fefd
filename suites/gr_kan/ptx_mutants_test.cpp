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
  const sb::testing::MutantScore score = sb::testing::score_of(
      "19backward_persistentI", "persistent", cases, 150,
      {{"rational.cuh:0", "", 3, "which division is taken, 32 bits or 64: both are right"},
       {"or.b64", "left out", 2, "as above"},
       {"backward.cuh:30: cvt.u64.u32", "left out", 1, "as above"},
       {"backward.cuh:26: sub.s64", "operands swapped", 1, "in the division by 64 bits"},
       {"backward.cuh:29: add.s64 %rd110", "add. becomes sub.", 1, "as above"},
       {"backward.cuh:92: add.s64", "add. becomes sub.", 1,
        "the number of a trip, which nothing uses"},
       {"backward.cuh:92: mov.f32", "left out", 4,
        "sums of a block without rows, of which there is none"}});
  std::printf(
      "%zu mutants of persistent: %zu caught, %zu within the tolerance, %zu not executed, %zu "
      "equivalent\n",
      score.tried, score.caught, score.within_tolerance, score.not_executed, score.explained);
  EXPECT_GE(score.tried, 100u);
  EXPECT_THAT(score.unexplained, ::testing::IsEmpty());
}

}  // namespace
}  // namespace sb::gr_kan
