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
  const sb::testing::MutantScore score =
      sb::testing::score_of("6onlineIfLNS1_6ResultE0E", "online", cases, 150, {});
  std::printf(
      "%zu mutants of online: %zu caught, %zu within the tolerance, %zu not executed, %zu "
      "equivalent\n",
      score.tried, score.caught, score.within_tolerance, score.not_executed, score.explained);
  EXPECT_GE(score.tried, 100u);
  EXPECT_THAT(score.unexplained, ::testing::IsEmpty());
}

}  // namespace
}  // namespace sb::softmax
