// Every variant of softmax on the hard shapes and fills; planted bugs; threads.
#include <gtest/gtest.h>

#include <cmath>
#include <iostream>

#include "suites/softmax/passes.h"
#include "suites/softmax/row_op.h"
#include "testing/mutant_hunt.h"

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

std::vector<const Variant*> runnable(const Case& c, Whose whose = Whose::kAll) {
  std::vector<const Variant*> variants;
  for (const Variant* v : Registry::instance().variants_of(c.op().name())) {
    if (v->device != Device::kCpu) continue;  // device_test.cpp
    if (whose == Whose::kOurs && !is_ours(*v)) continue;
    const std::string why = why_not(*v, c.problem());
    if (why.empty()) {
      variants.push_back(v);
    } else {
      std::cout << "skipped " << v->full_name() << ": " << why << "\n";
    }
  }
  return variants;
}

void expect_right(Case& c, Whose whose) {
  const std::vector<const Variant*> variants = runnable(c, whose);
  ASSERT_FALSE(variants.empty());
  for (const Variant* v : variants) {
    c.run(*v);
    const std::string where = v->full_name() + " " + c.problem().params.text() + " " +
                              std::string(name_of(c.problem().dtype)) + " threads " +
                              std::to_string(c.problem().threads);
    EXPECT_EQ(c.fault(), "") << where;
  }
}

// Both operations, every storage type.
void expect_all_right(const Given& given, const std::string& fill = "", int threads = 1,
                      Whose whose = Whose::kAll) {
  for (const char* op : {"softmax", "log_softmax"}) {
    for (const Dtype dtype : {Dtype::kF32, Dtype::kBf16, Dtype::kF16}) {
      Case c(op, given, fill, threads, dtype);
      expect_right(c, whose);
    }
  }
}

TEST(EveryVariant, IsRightForRowsReadAsSeveralStreams) {
  // 600011 elements are more than a MiB in every storage type, and with an odd stride the second
  // row begins in the middle of a line.
  expect_all_right(shape(2, 600'011, 600'013), "", 1, Whose::kOurs);
  expect_all_right(shape(1, 600'011), "", 2, Whose::kOurs);
}

TEST(EveryVariant, IsRightForEveryTailLength) {
  // One column, then every remainder of four AVX-512 vectors, twice.
  for (std::int64_t cols = 1; cols <= 2 * 64 + 1; ++cols) expect_all_right(shape(3, cols));
}

TEST(EveryVariant, IsRightAroundABlockAndForAVocabulary) {
  for (const std::int64_t cols : {kBlock - 1, kBlock, kBlock + 1, std::int64_t{32000}}) {
    expect_all_right(shape(2, cols));
  }
}

TEST(EveryVariant, IsRightForAMillionColumns) {
  expect_all_right(shape(1, 1'000'003), "uniform(-1000,1000)");
  expect_all_right(shape(1, 1'000'003), "uniform(0,1)");
}

TEST(EveryVariant, LeavesTheGapBetweenRowsAlone) {
  expect_all_right(shape(5, 100, 128));
  expect_all_right(shape(5, 33, 35));
}

TEST(EveryVariant, KeepsTheNumericContract) {
  const Case any("softmax", shape(1, 1));
  for (const std::string& fill : any.op().fills()) {
    SCOPED_TRACE(fill);
    for (const std::int64_t cols : {1, 2, 17, 100, 5000, 12'000}) {
      expect_all_right(shape(2, cols), fill, 1, Whose::kOurs);
    }
  }
}

TEST(EveryVariant, SplitsRowsOverThreads) {
  for (const int threads : {2, 3}) {
    for (const auto& given : {shape(1, 10'000), shape(2, 50'001), shape(7, 1000), shape(1, 5)}) {
      expect_all_right(given, "", threads);
    }
    expect_all_right(shape(1, 20'000), "half_masked", threads, Whose::kOurs);
    expect_all_right(shape(1, 20'000), "huge", threads, Whose::kOurs);
  }
}

TEST(EveryVariant, DoesNothingForEmptyRows) {
  expect_all_right(shape(0, 8));
  expect_all_right(shape(4, 0));
}

TEST(EveryVariant, GivesExactlyOneForALengthOfOne) {
  Case c("softmax", shape(64, 1), "normal(0,30)");
  for (const Variant* v : runnable(c, Whose::kOurs)) {
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

TEST(LogSoftmax, MeetsGoldenValues) {
  Case c("log_softmax", shape(1, 3), "constant(0)");
  float* x = c.operands().get<float>(kX);
  x[1] = std::log(2.0f);
  x[2] = std::log(5.0f);
  const std::vector<Expected> expected = c.op().reference(c.problem(), c.operands());
  EXPECT_NEAR(expected[0].value[0], -std::log(8.0), 1e-7);
  EXPECT_NEAR(expected[0].value[1], -std::log(4.0), 1e-7);
  EXPECT_NEAR(expected[0].value[2], -std::log(1.6), 1e-7);
}

// Subtracting one rounded log-sum-exp instead would be off by 2^-11 here.
TEST(LogSoftmax, KeepsItsDigitsFarFromZero) {
  Case c("log_softmax", shape(1, 1000), "constant(10000)");
  for (const Variant* v : runnable(c)) {
    c.run(*v);
    EXPECT_NEAR(c.operands().get<float>(kY)[0], -std::log(1000.0), 2e-6) << v->full_name();
  }
}

TEST(Kernels, PutTheFloatingPointModeBack) {
  Case c("softmax", shape(1, 4096), "", 2);
  volatile float tiny = 0x1p-126f;
  for (const Variant* v : runnable(c)) {
    c.run(*v);
    EXPECT_NE(tiny / 4, 0.0f) << v->full_name();
  }
}

TEST(Verification, CatchesEveryMutantOnItsShape) {
  for (const char* op : {"softmax", "log_softmax"}) {
    for (const Dtype dtype : {Dtype::kF32, Dtype::kBf16, Dtype::kF16}) {
      for (const auto& given : {shape(3, 100), shape(2, 5000)}) {
        SCOPED_TRACE(std::string(op) + " " + std::string(name_of(dtype)));
        sb::testing::MutantHunt hunt;
        for (const char* fill : {"", "around_88"}) {  // only the second needs its maximum
          Case c(op, given, fill, 1, dtype);
          hunt.show(c);
        }
        hunt.expect_no_survivor();
      }
    }
  }
}

}  // namespace
}  // namespace sb::softmax
