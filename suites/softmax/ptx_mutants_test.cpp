// Would the tests notice a wrong kernel? Single changes to nvcc's PTX of one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>

#include "testing/ptx_mutants.h"

namespace sb::softmax {
namespace {

using sb::testing::Case;

TEST(PtxMutants, OfOnlineAreCaughtOrExplained) {
  const auto given = [](const char* rows, const char* cols, const char* stride, const char* fill) {
    return Case("softmax", {{"rows", rows}, {"cols", cols}, {"stride", stride}}, fill);
  };
  std::vector<Case> cases;
  cases.push_back(given("2", "1021", "1024", ""));
  cases.push_back(given("2", "5381", "5381", ""));
  cases.push_back(given("1", "1021", "1021", "half_masked"));
  cases.push_back(given("1", "1024", "1024", "one_nan"));
  const sb::testing::MutantScore score = sb::testing::score_of(
      "6onlineIfLNS1_6ResultE0E", "online", cases, 150,
      {{"row_sum.cuh:35", "", 18,
        "32 lanes merge the sums of eight warps: at distances 16 and 8 the partner's sum is 0"},
       {"sm_30_intrinsics.hpp", "", 4,
        "at distances 16 and 8 the partner's maximum is -inf, or the own"},
       {"0fFF800000", "left out", 2, "the register's -6e18 is as good as -inf beside a sum of 0"},
       {"row_sum.cuh:112: mov.f32", "left out", 2, "as above, for an element beyond the row"},
       {"row_sum.cuh:98", "constant becomes 17", 2, "16 elements or 17: both are a whole group"},
       {"online.cuh", "setp.lt becomes setp.le", 2,
        "a trip that begins at the row's end does nothing"}});
  std::printf(
      "%zu mutants of online: %zu caught, %zu within the tolerance, %zu not executed, %zu "
      "equivalent\n",
      score.tried, score.caught, score.within_tolerance, score.not_executed, score.explained);
  EXPECT_GE(score.tried, 100u);
  EXPECT_THAT(score.unexplained, ::testing::IsEmpty());
}

}  // namespace
}  // namespace sb::softmax
