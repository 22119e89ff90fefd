// Every variant of softmax on the hard shapes and fills; planted bugs; threads.
#include <gtest/gtest.h>

#include <cmath>
#include <iostream>

#include "suites/softmax/softmax_op.h"
#include "testing/check_case.h"

namespace sb::softmax {
namespace {

using sb::testing::Case;
using Given = std::map<std::string, std::string>;

Given shape(std::int64_t rows, std::int64_t cols, std::int64_t stride = 0) {
  return {{"rows", std::to_string(rows)},
          {"cols", std::to_string(cols)},
          {"stride", std::to_string(stride)}};
}

// A library keeps a contract of its own about infinities and NaN, and adds up as it likes.
enum class Whose { kAll, kOurs };

bool is_ours(const Variant& variant) { return variant.isa != Isa::kNative; }

std::vector<const Variant*> runnable(const Problem& problem, Whose whose = Whose::kAll) {
  std::vector<const Variant*> variants;
  for (const Variant* v : Registry::instance().variants_of("softmax")) {
    if (whose == Whose::kOurs && !is_ours(*v)) continue;
    const std::string why = why_not(*v, problem);
    if (why.empty()) {
      variants.push_back(v);
    } else {
      std::cout << "skipped " << v->full_name() << ": " << why << "\n";
    }
  }
  return variants;
}

// The operation's tolerance leaves room for a library's plain sum; ours are blocked and need none.
std::string fault_of_blocked(const Case& c) {
  Expected strict = c.expected()[0];
  for (double& scale : strict.scale) {
    if (scale == 0) continue;  // exact
    // What is flushed below the smallest normal number stays allowed.
    scale = (scale * kBlockedTolerance + 0x1p-126) / strict.tolerance;
  }
  return sb::testing::why_wrong(c.specs()[kY], c.operands().get<void>(kY), strict);
}

void expect_all_right(Case c, Whose whose = Whose::kAll) {
  const std::vector<const Variant*> variants = runnable(c.problem(), whose);
  ASSERT_FALSE(variants.empty());
  for (const Variant* v : variants) {
    c.run(*v);
    const std::string where = v->full_name() + " " + c.problem().params.text() + " threads " +
                              std::to_string(c.problem().threads);
    EXPECT_EQ(c.fault(), "") << where;
    if (is_ours(*v)) {
      EXPECT_EQ(fault_of_blocked(c), "") << where;
    }
  }
}

TEST(EveryVariant, IsRightForEveryTailLength) {
  // One column, then every remainder of four AVX-512 vectors, twice.
  for (std::int64_t cols = 1; cols <= 2 * 64 + 1; ++cols)
    expect_all_right({"softmax", shape(3, cols)});
}

TEST(EveryVariant, IsRightAroundABlockAndForAVocabulary) {
  for (const std::int64_t cols : {kBlock - 1, kBlock, kBlock + 1, std::int64_t{32000}}) {
    expect_all_right({"softmax", shape(2, cols)});
  }
}

TEST(EveryVariant, IsRightForAMillionColumns) {
  expect_all_right({"softmax", shape(1, 1'000'003), "uniform(-1000,1000)"});
  expect_all_right({"softmax", shape(1, 1'000'003), "uniform(0,1)"});
}

TEST(EveryVariant, LeavesTheGapBetweenRowsAlone) {
  expect_all_right({"softmax", shape(5, 100, 128)});
  expect_all_right({"softmax", shape(5, 33, 35)});
}

TEST(EveryVariant, KeepsTheNumericContract) {
  const Case any("softmax", shape(1, 1));
  for (const std::string& fill : any.op().fills()) {
    SCOPED_TRACE(fill);
    for (const std::int64_t cols : {1, 2, 17, 100, 5000}) {
      expect_all_right({"softmax", shape(2, cols), fill}, Whose::kOurs);
    }
  }
}

TEST(EveryVariant, SplitsRowsOverThreads) {
  for (const int threads : {2, 3}) {
    for (const auto& given : {shape(1, 10'000), shape(2, 50'001), shape(7, 1000), shape(1, 5)}) {
      expect_all_right({"softmax", given, "", threads});
    }
    expect_all_right({"softmax", shape(1, 20'000), "half_masked", threads}, Whose::kOurs);
    expect_all_right({"softmax", shape(1, 20'000), "huge", threads}, Whose::kOurs);
  }
}

TEST(EveryVariant, DoesNothingForEmptyRows) {
  expect_all_right({"softmax", shape(0, 8)});
  expect_all_right({"softmax", shape(4, 0)});
}

TEST(EveryVariant, GivesExactlyOneForALengthOfOne) {
  Case c("softmax", shape(64, 1), "normal(0,30)");
  for (const Variant* v : runnable(c.problem(), Whose::kOurs)) {
    c.run(*v);
    for (int r = 0; r < 64; ++r) EXPECT_EQ(c.operands().get<float>(kY)[r], 1.0f) << v->full_name();
  }
}

TEST(Reference, MeetsGoldenValues) {
  // exp(0), exp(ln 2), exp(ln 5) over their sum of 8.
  Case c("softmax", shape(1, 3), "constant(0)");
  float* x = c.operands().get<float>(kX);
  x[1] = std::log(2.0f);
  x[2] = std::log(5.0f);
  const std::vector<Expected> expected = c.op().reference(c.problem(), c.operands());
  EXPECT_NEAR(expected[0].value[0], 1.0 / 8, 1e-8);
  EXPECT_NEAR(expected[0].value[1], 2.0 / 8, 1e-7);
  EXPECT_NEAR(expected[0].value[2], 5.0 / 8, 1e-7);
}

TEST(Verification, CatchesEveryMutantOnItsShape) {
  for (const auto& given : {shape(3, 100), shape(2, 5000)}) {
    Case c("softmax", given, "around_88");
    c.store_expected();
    ASSERT_EQ(c.fault(), "");
    for (const Mutant& mutant : c.op().mutants()) {
      Case wrong("softmax", given, mutant.name == "dropped max-subtraction" ? "around_88" : "");
      wrong.store_expected();
      mutant.corrupt(wrong.problem(), wrong.operands());
      EXPECT_NE(wrong.fault(), "") << mutant.name;
    }
  }
}

}  // namespace
}  // namespace sb::softmax
