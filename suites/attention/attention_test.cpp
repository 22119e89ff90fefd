// Every variant of the family's operations on the hard shapes; planted bugs; golden values; what
// softmax attention must keep whatever the algorithm; one set of bits for every number of threads.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iostream>

#include "suites/attention/attention_op.h"
#include "suites/attention/attention_test.h"
#include "testing/mutant_hunt.h"

namespace sb::attention {
namespace {

using sb::testing::Case;

class Op : public ::testing::TestWithParam<const char*> {
 protected:
  std::vector<Hard> cases() const { return hard_cases(GetParam()); }
};

bool some_cpu_variant_takes(const std::string& op, Dtype dtype) {
  const std::vector<const Variant*> all = Registry::instance().variants_of(op);
  return std::any_of(all.begin(), all.end(), [&](const Variant* v) {
    return v->device == Device::kCpu &&
           std::find(v->dtypes.begin(), v->dtypes.end(), dtype) != v->dtypes.end();
  });
}

TEST_P(Op, EveryVariantMeetsTheReferenceOnEveryHardCase) {
  for (const Hard& hard : cases()) {
    for (const Dtype dtype : Registry::instance().find_operation(GetParam())->dtypes()) {
      if (!some_cpu_variant_takes(GetParam(), dtype)) continue;  // device_test's business
      Case c(GetParam(), hard.params, hard.fill, hard.threads, dtype);
      for (const Variant* variant : runnable(c)) {
        c.run(*variant);
        EXPECT_EQ(c.fault(), "") << described(c, *variant, hard.fill);
      }
    }
  }
}

TEST_P(Op, EveryPlantedBugIsCaughtOnSomeHardCase) {
  sb::testing::MutantHunt hunt;
  for (const Hard& hard : cases()) {
    Case c(GetParam(), hard.params, hard.fill);
    hunt.show(c);
  }
  hunt.expect_no_survivor();
}

TEST_P(Op, EveryVariantGivesTheSameBitsForEveryNumberOfThreads) {
  for (const Hard& hard : cases()) {
    if (hard.fill == "one_nan") continue;  // which NaN is nobody's promise
    std::map<std::string, std::vector<unsigned char>> bits;
    for (const int threads : {1, 2, 2, 3}) {
      Case c(GetParam(), hard.params, hard.fill, threads);
      for (const Variant* variant : runnable(c)) {
        if (!keeps_bits_across_threads(*variant)) continue;
        c.run(*variant, 1);
        const auto [entry, first] = bits.try_emplace(variant->full_name(), c.output_bits());
        EXPECT_TRUE(c.output_bits() == entry->second) << described(c, *variant, hard.fill);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Attention, Op,
                         ::testing::Values("attention", "attention_backward", "attention_decode"),
                         [](const auto& each) { return std::string(each.param); });

TEST(Attention, MeetsTheGoldenVectors) {
  const Given shape = {{"b", "1"}, {"h", "1"}, {"m", "6"}, {"n", "6"}, {"d", "4"}, {"lse", "true"}};
  for (const bool causal : {false, true}) {
    Given params = shape;
    if (causal) params["causal"] = "top_left";
    Case c("attention", params, "golden");
    const float* q = c.operands().get<float>(forward::kQ);
    EXPECT_NEAR(q[0], -0.105022315, 1e-8) << "the generator";
    for (const Variant* variant : runnable(c)) {
      c.run(*variant);
      const float* o = c.operands().get<float>(forward::kO);
      const float* lse = c.operands().get<float>(forward::kLse);
      SCOPED_TRACE(described(c, *variant, "golden"));
      expect_row(o, causal ? std::array{-0.635537048, 0.315642109, 0.079446838, 0.423177943}
                           : std::array{-0.177668651, 0.072920513, -0.246007422, -0.401754287});
      expect_row(o + 5 * 4, std::array{-0.389027167, 0.281622959, -0.089517872, -0.322863663});
      EXPECT_NEAR(sum(o, 24), causal ? -1.474460362 : -3.399196357, 3e-6);
      EXPECT_NEAR(lse[0], causal ? 0.070841233 : 1.867267051, 1e-6);
      EXPECT_NEAR(lse[5], 1.797739647, 1e-6);
    }
  }
}

TEST(Attention, RowsWithoutAVisibleKeyAreZeroWithLogSumExpOfMinusInfinity) {
  // Bottom-right with more queries than keys: the first 20 rows see nothing.
  Case c("attention", {{"b", "1"},
                       {"h", "2"},
                       {"m", "50"},
                       {"n", "30"},
                       {"d", "8"},
                       {"causal", "bottom_right"},
                       {"lse", "true"}});
  for (const Variant* variant : runnable(c)) {
    c.run(*variant);
    const float* o = c.operands().get<float>(forward::kO);
    const float* lse = c.operands().get<float>(forward::kLse);
    for (int i = 0; i < 20 * 8; ++i) EXPECT_EQ(o[i], 0) << variant->full_name();
    for (int i = 0; i < 20; ++i) EXPECT_EQ(lse[i], -INFINITY) << variant->full_name();
    EXPECT_NE(lse[20], -INFINITY) << variant->full_name();
  }
}

// Exactly, but for w * v / w: the flash forms subtract a maximum that was rounded up, so that the
// only weight is not 1.
TEST(Attention, OneKeyGivesItsValue) {
  Case c("attention", {{"b", "2"}, {"h", "2"}, {"m", "19"}, {"n", "1"}, {"d", "24"}});
  for (const Variant* variant : runnable(c)) {
    c.run(*variant);
    const float* o = c.operands().get<float>(forward::kO);
    const float* v = c.operands().get<float>(forward::kV);
    for (int i = 0; i < 4 * 19 * 24; ++i) {
      const float value = v[i / (19 * 24) * 24 + i % 24];
      ASSERT_NEAR(o[i], value, 0x1p-22 * std::abs(value)) << variant->full_name() << " " << i;
    }
  }
}

TEST(Attention, OutputsStayInTheConvexHullOfTheValues) {
  for (const char* fill : {"normal(0,1)", "large_scores", "equal_scores", "constant_values"}) {
    Case c("attention", {{"b", "1"}, {"h", "1"}, {"m", "70"}, {"n", "300"}, {"d", "40"}}, fill);
    for (const Variant* variant : runnable(c)) {
      c.run(*variant);
      const float* o = c.operands().get<float>(forward::kO);
      const float* v = c.operands().get<float>(forward::kV);
      for (int column = 0; column < 40; ++column) {
        float low = v[column], high = v[column];
        for (int j = 1; j < 300; ++j) {
          low = std::min(low, v[j * 40 + column]);
          high = std::max(high, v[j * 40 + column]);
        }
        const float slack = 1e-6f * std::max(std::abs(low), std::abs(high));
        for (int i = 0; i < 70; ++i) {
          EXPECT_GE(o[i * 40 + column], low - slack) << variant->full_name() << " " << fill;
          EXPECT_LE(o[i * 40 + column], high + slack) << variant->full_name() << " " << fill;
        }
      }
    }
  }
}

TEST(Attention, PermutingTheKeysLeavesTheOutput) {
  constexpr int kKeys = 201, kSize = 16;
  const Given shape = {{"b", "1"}, {"h", "1"}, {"m", "33"}, {"n", "201"}, {"d", "16"}};
  Case c("attention", shape);
  Case permuted("attention", shape);
  for (const int place : {forward::kK, forward::kV}) {
    for (int j = 0; j < kKeys; ++j) {
      std::copy_n(c.operands().get<float>(place) + j * kSize, kSize,
                  permuted.operands().get<float>(place) + j * 77 % kKeys * kSize);
    }
  }
  for (const Variant* variant : runnable(c)) {
    c.run(*variant);
    permuted.run(*variant);
    for (int i = 0; i < 33 * kSize; ++i) {
      EXPECT_NEAR(c.operands().get<float>(forward::kO)[i],
                  permuted.operands().get<float>(forward::kO)[i], 2e-6)
          << variant->full_name();
    }
  }
}

TEST(Attention, AddingTheSameToAllScoresOfARowMovesOnlyTheLogSumExp) {
  // An extra column: 1 in every key, c * sqrt(d) in every query adds c to every score.
  constexpr int kSize = 8, kQueries = 20, kKeys = 150;
  constexpr float kShift = 12.5f;
  const Given shape = {{"b", "1"},   {"h", "1"}, {"m", "20"},
                       {"n", "150"}, {"d", "8"}, {"lse", "true"}};
  Case c("attention", shape);
  Case shifted("attention", shape);
  for (Case* each : {&c, &shifted}) {
    for (int j = 0; j < kKeys; ++j) each->operands().get<float>(forward::kK)[j * kSize] = 1;
    for (int i = 0; i < kQueries; ++i) {
      each->operands().get<float>(forward::kQ)[i * kSize] =
          each == &c ? 0 : kShift * std::sqrt(static_cast<float>(kSize));
    }
  }
  for (const Variant* variant : runnable(c)) {
    c.run(*variant);
    shifted.run(*variant);
    for (int i = 0; i < kQueries; ++i) {
      EXPECT_NEAR(shifted.operands().get<float>(forward::kLse)[i],
                  c.operands().get<float>(forward::kLse)[i] + kShift, 1e-5)
          << variant->full_name();
    }
    for (int i = 0; i < kQueries * kSize; ++i) {
      EXPECT_NEAR(shifted.operands().get<float>(forward::kO)[i],
                  c.operands().get<float>(forward::kO)[i], 1e-5)
          << variant->full_name();
    }
  }
}

// Every row of a tensor, in order, to the same row of the same tensor in another layout.
void copy_rows(const Case& from, Case& to, int place, bool queries) {
  const Shape a(from.problem()), b(to.problem());
  const std::int64_t rows = queries ? a.m : a.n;
  for (std::int64_t head = 0; head < (queries ? a.h : a.hkv); ++head) {
    for (std::int64_t i = 0; i < rows; ++i) {
      const auto row = [&](const Shape& s) {
        return (queries ? s.query_row(0, head, i) : s.key_row(0, head, i)) * s.d;
      };
      std::copy_n(from.operands().get<float>(place) + row(a), a.d,
                  to.operands().get<float>(place) + row(b));
    }
  }
}

TEST(Attention, GivesTheSameBitsWhetherHeadsAlternateOverManyPagesOrFollowOneAnother) {
  Given shape = {{"b", "1"}, {"h", "4"}, {"hkv", "2"}, {"m", "200"}, {"n", "1600"}, {"d", "128"}};
  Case apart("attention", shape);  // 200 queries are two groups, 1600 keys 800 pages
  shape["layout"] = "bnhd";
  Case alternating("attention", shape), expected("attention", shape);
  copy_rows(apart, alternating, forward::kQ, true);
  copy_rows(apart, alternating, forward::kK, false);
  copy_rows(apart, alternating, forward::kV, false);
  int compared = 0;
  for (const Variant* variant : runnable(apart)) {
    if (variant->name != "flash2") continue;
    ++compared;
    apart.run(*variant);
    alternating.run(*variant);
    copy_rows(apart, expected, forward::kO, true);
    EXPECT_TRUE(std::equal(expected.operands().get<float>(forward::kO),
                           expected.operands().get<float>(forward::kO) + 4 * 200 * 128,
                           alternating.operands().get<float>(forward::kO)))
        << variant->full_name();
  }
  EXPECT_GT(compared, 0);
}

std::int64_t workspace_bytes(const Variant& variant, int n) {
  const Operation* op = Registry::instance().find_operation("attention");
  const std::string length = std::to_string(n);
  const Problem problem{
      .params = Params(op->params(),
                       {{"b", "1"}, {"h", "2"}, {"m", length}, {"n", length}, {"d", "32"}})};
  const std::int64_t before = AllocationCounter::live();
  const auto kernel = variant.make(problem);
  return AllocationCounter::live() - before;
}

TEST(Attention,
     WorkspaceGrowsWithTheSquareOfTheLengthInStandardFormsAndAtMostLinearlyInFlashForms) {
  for (const Variant* variant : Registry::instance().variants_of("attention")) {
    if (!why_isa_unavailable(variant->isa).empty() || variant->dtypes[0] != Dtype::kF32) continue;
    if (variant->why_not && !variant->why_not({}).empty()) continue;
    const std::int64_t small = workspace_bytes(*variant, 512);
    const std::int64_t large = workspace_bytes(*variant, 1024);
    if (variant->name.starts_with("standard")) {
      EXPECT_EQ(large, 4 * small) << variant->full_name();
    } else {
      EXPECT_LE(large, 2 * small) << variant->full_name();
      EXPECT_LT(large, std::int64_t{1024} * 1024) << variant->full_name();
    }
  }
}

TEST(Attention, CountsTheVisiblePairsOfEveryMask) {
  for (const char* causal : {"none", "top_left", "bottom_right"}) {
    for (const auto& [m, n] : {std::pair{5, 9}, {9, 5}, {7, 7}, {1, 6}, {6, 1}}) {
      const Operation* op = Registry::instance().find_operation("attention");
      const Problem problem{.params = Params(op->params(), {{"b", "1"},
                                                            {"h", "1"},
                                                            {"m", std::to_string(m)},
                                                            {"n", std::to_string(n)},
                                                            {"d", "4"},
                                                            {"causal", causal}})};
      const Shape shape(problem);
      double pairs = 0;
      for (int i = 0; i < m; ++i)
        pairs += static_cast<double>(visible_keys(i, shape.diagonal(), n));
      EXPECT_EQ(shape.visible_pairs(), pairs) << causal << " " << m << " " << n;
    }
  }
}

TEST(Attention, RefusesQueryHeadsThatAreNoMultipleOfTheKeyHeads) {
  const Operation* op = Registry::instance().find_operation("attention");
  const Problem bad{
      .params = Params(op->params(),
                       {{"b", "1"}, {"h", "6"}, {"hkv", "4"}, {"m", "4"}, {"n", "4"}, {"d", "4"}})};
  EXPECT_EQ(op->why_not(bad), "h=6 is not a multiple of hkv=4");
}

}  // namespace
}  // namespace sb::attention
