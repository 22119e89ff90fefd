// Decoding: how contexts are cut for the threads, and when a fixed maximum is given up.
#include "suites/attention/decode.h"

#include "suites/attention/attention_test.h"

namespace sb::attention {
namespace {

using sb::testing::Case;

Problem problem(const Given& params, int threads = 2) {
  const Operation* op = Registry::instance().find_operation("attention_decode");
  return {.params = Params(op->params(), params), .threads = threads};
}

double fallback_rate(Case& c, const Variant& variant) {
  const auto kernel = variant.make(c.problem());
  kernel->run(c.operands());
  for (const Metric& m : kernel->metrics()) {
    if (m.name == "fallback_rate") return m.value;
  }
  ADD_FAILURE() << variant.full_name() << " reports no fallback rate";
  return -1;
}

TEST(UnifiedMax, KeepsTheFixedMaximumWhenScoresStayNearAndGivesItUpRowByRowWhenTheyStray) {
  const Given shape = {{"b", "1"}, {"h", "8"}, {"hkv", "2"}, {"n", "300"}, {"d", "64"}};
  Case near("attention_decode", shape);
  Case far("attention_decode", shape, "large_scores");
  // One row of the first group alone has scores out of reach: a query times 40.
  Case one("attention_decode", shape);
  for (int c = 0; c < 64; ++c) one.operands().get<float>(decode::kQ)[c] *= 40;
  for (const Variant* variant : runnable(near)) {
    if (!variant->name.starts_with("unified_max")) continue;
    EXPECT_EQ(fallback_rate(near, *variant), 0) << variant->full_name();
    EXPECT_GT(fallback_rate(far, *variant), 0.5) << variant->full_name();
    EXPECT_EQ(fallback_rate(one, *variant), 1.0 / 8) << variant->full_name();
  }
}

TEST(UnifiedMax, FallsBackWhenEveryKeyLiesFarBelowTheFixedMaximum) {
  Case c("attention_decode", {{"b", "1"}, {"h", "2"}, {"hkv", "1"}, {"n", "40"}, {"d", "16"}});
  for (int i = 0; i < 2 * 16; ++i) c.operands().get<float>(decode::kQ)[i] = 20;
  for (int i = 0; i < 40 * 16; ++i) c.operands().get<float>(decode::kK)[i] = -3;
  for (const Variant* variant : runnable(c)) {
    if (!variant->name.starts_with("unified_max")) continue;
    EXPECT_EQ(fallback_rate(c, *variant), 1) << variant->full_name();
    const float* v = c.operands().get<float>(decode::kV);  // equal scores: O is the mean
    double mean = 0;
    for (int j = 0; j < 40; ++j) mean += v[j * 16] / 40.0;
    EXPECT_NEAR(c.operands().get<float>(decode::kO)[0], mean, 1e-6) << variant->full_name();
  }
}

TEST(SplitRule, LeavesHeadsWholeThatOccupyTheWorkersAndSplitsFewHeadsEvenly) {
  EXPECT_EQ(split_count(2, 2, 100), 1);
  EXPECT_EQ(split_count(3, 2, 100), 1);
  EXPECT_EQ(split_count(1, 2, 100), 2);
  EXPECT_EQ(split_count(1, 2, 1), 1) << "no more splits than tiles";
  EXPECT_EQ(split_count(1, 108, 1000), 92) << "the least with 85 % of the best wave";
}

TEST(LeanPlan, CutsOneLineOfTilesIntoSharesThatDifferByAtMostATile) {
  const Shape shape(problem(
      {{"b", "3"}, {"h", "4"}, {"hkv", "2"}, {"n", "5000"}, {"d", "128"}, {"ragged", "8"}}));
  for (const int workers : {1, 2, 3, 7}) {
    std::map<int, std::int64_t> tiles;
    std::map<std::int64_t, std::int64_t> keys;
    for (const KeyRange& range : plan_lean(shape, workers)) {
      tiles[range.worker] += (range.end - range.first + 127) / 128;
      EXPECT_EQ(range.first, keys[range.head]) << "ranges of a head follow one another";
      keys[range.head] = range.end;
    }
    EXPECT_EQ(tiles.size(), static_cast<std::size_t>(workers));
    std::int64_t least = tiles[0], most = tiles[0];
    for (const auto& [worker, count] : tiles) {
      least = std::min(least, count);
      most = std::max(most, count);
    }
    EXPECT_LE(most - least, 1) << workers << " workers";
    for (const auto& [head, end] : keys) EXPECT_EQ(end, shape.context(head / 2)) << head;
  }
}

TEST(Ragged, ContextsFallFromTheLongestToTheShortestInEqualRatios) {
  const Shape shape(problem({{"b", "4"}, {"h", "1"}, {"n", "8000"}, {"d", "8"}, {"ragged", "8"}}));
  EXPECT_EQ(shape.context(0), 8000);
  EXPECT_EQ(shape.context(1), 4000);
  EXPECT_EQ(shape.context(2), 2000);
  EXPECT_EQ(shape.context(3), 1000);
}

}  // namespace
}  // namespace sb::attention
