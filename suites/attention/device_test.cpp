// The CUDA kernels of attention on fibers are right in four schedules.
#include "suites/attention/device_test.h"
#include "suites/attention/on_fibers.h"
#include "testing/schedules.h"

namespace sb::attention {
namespace {

using sb::testing::Case;

class EverySchedule : public sb::testing::Scheduled {
 protected:
  // Where the order follows from a seed there are many of it.
  static std::uint64_t seeds() {
    const simt::Order order = GetParam();
    return order == simt::Order::kRandom || order == simt::Order::kSkewed ? 6 : 1;
  }

  // How many variants ran: a test that none takes has shown nothing. What a call leaves behind for
  // the next one depends on neither head size nor type: one call will do where only these differ.
  static int expect_all_right(const std::string& op, const Given& params, Dtype dtype,
                              const std::string& fill = "", int calls = 2) {
    Case c(op, params, fill, 1, dtype);
    int ran = 0;
    for (const Variant* v : Registry::instance().variants_of(op)) {
      if (v->device != Device::kSimt || !why_not(*v, c.problem()).empty()) continue;
      c.run(*v, calls);
      ++ran;
      EXPECT_EQ(c.fault(), "") << v->full_name() << " " << name_of(dtype) << " "
                               << c.problem().params.text();
    }
    return ran;
  }
};

INSTANTIATE_TEST_SUITE_P(Attention, EverySchedule, sb::testing::every_schedule(),
                         sb::testing::name_of_schedule);

TEST_P(EverySchedule, TheSmallestShapeIsRightForManySeeds) {
  for (std::uint64_t seed = 1; seed <= seeds(); ++seed) {
    use(seed);
    EXPECT_GE(expect_all_right("attention", heads(1, 1, 1, 1, 1, 64, "none"), Dtype::kBf16), 1);
  }
}

// Four tiles of keys, the last one not whole; at two sizes a second block with two rows as well.
TEST_P(EverySchedule, EveryHeadSizeIsRight) {
  for (const int d : {64, 80, 96, 128}) {
    const int m = d == 64 || d == 128 ? 130 : 40;
    expect_all_right("attention", heads(1, 1, 1, m, d < 128 ? 200 : 150, d, "none"), Dtype::kF16,
                     "", 1);
    expect_all_right("attention", heads(1, 1, 1, m, m, d, "top_left"), Dtype::kBf16, "", 1);
  }
  expect_all_right("attention", heads(1, 1, 1, 66, 70, 256, "none"), Dtype::kBf16, "", 1);
}

TEST_P(EverySchedule, MasksGroupsAndLayoutsAreRight) {
  expect_all_right("attention", heads(2, 4, 2, 35, 66, 64, "bottom_right"), Dtype::kF16);
  expect_all_right("attention", heads(1, 1, 1, 97, 40, 64, "bottom_right"), Dtype::kF16);
  expect_all_right("attention", heads(1, 1, 1, 40, 97, 64, "top_left"), Dtype::kBf16);
  Given strided = heads(2, 4, 2, 35, 66, 64, "bottom_right");
  strided["layout"] = "bnhd";
  strided["pad"] = "8";
  EXPECT_GE(expect_all_right("attention", strided, Dtype::kF16), 1);
}

TEST_P(EverySchedule, HardScoresAreRight) {
  for (const char* fill : {"large_scores", "equal_scores", "ascending_keys", "one_nan"}) {
    expect_all_right("attention", heads(1, 1, 1, 33, 130, 64, "none"), Dtype::kF16, fill);
  }
}

TEST_P(EverySchedule, GradientsOfTheSmallestShapeAreRightForManySeeds) {
  for (std::uint64_t seed = 1; seed <= seeds(); ++seed) {
    use(seed);
    EXPECT_EQ(
        expect_all_right("attention_backward", gradients(1, 1, 1, 1, 1, 64, "none"), Dtype::kBf16),
        1);
  }
}

// Three or five tiles of 32 pass by (two stages), the last not whole; one block and two; groups of
// heads; rows and keys that see nothing.
TEST_P(EverySchedule, GradientsAreRight) {
  for (const int d : {64, 80, 96, 128}) {
    expect_all_right("attention_backward", gradients(1, 1, 1, 70, 90, d, "none"), Dtype::kF16, "",
                     1);
  }
  expect_all_right("attention_backward", gradients(1, 2, 1, 70, 70, 64, "none"), Dtype::kF16);
  expect_all_right("attention_backward", gradients(1, 1, 1, 150, 140, 64, "top_left"), Dtype::kBf16,
                   "", 1);
  expect_all_right("attention_backward", gradients(2, 4, 2, 40, 30, 64, "bottom_right"),
                   Dtype::kF16);
  expect_all_right("attention_backward", gradients(1, 1, 1, 30, 200, 128, "top_left"),
                   Dtype::kBf16);
  Given strided = gradients(2, 4, 2, 35, 66, 64, "bottom_right");
  strided["layout"] = "bnhd";
  strided["pad"] = "8";
  EXPECT_EQ(expect_all_right("attention_backward", strided, Dtype::kF16), 1);
}

TEST_P(EverySchedule, DecodingOneKeyIsRightForManySeeds) {
  for (std::uint64_t seed = 1; seed <= seeds(); ++seed) {
    use(seed);
    EXPECT_EQ(expect_all_right("attention_decode", contexts(1, 1, 1, 1, 8), Dtype::kBf16), 4);
  }
}

// Contexts of three chunks, the last one not whole, each of several trips of the block; groups that
// miss a block's four query heads; contexts of unequal length.
TEST_P(EverySchedule, DecodingIsRight) {
  for (const Dtype dtype : {Dtype::kF32, Dtype::kBf16, Dtype::kF16}) {
    const int calls = dtype == Dtype::kBf16 ? 2 : 1;
    expect_all_right("attention_decode", contexts(1, 1, 1, 600, 64), dtype, "", calls);
    expect_all_right("attention_decode", contexts(1, 5, 1, 300, 128), dtype, "", calls);
    expect_all_right("attention_decode", contexts(3, 4, 2, 150, 80, 15), dtype, "", calls);
    expect_all_right("attention_decode", contexts(1, 2, 1, 130, 256), dtype, "", calls);
  }
  Given strided = contexts(2, 4, 2, 70, 64);
  strided["layout"] = "bnhd";
  strided["pad"] = "8";
  EXPECT_EQ(expect_all_right("attention_decode", strided, Dtype::kF16), 4);
}

TEST_P(EverySchedule, DecodingHardScoresIsRight) {
  for (const char* fill : {"large_scores", "equal_scores", "ascending_keys", "one_nan"}) {
    expect_all_right("attention_decode", contexts(1, 2, 1, 530, 64), Dtype::kF32, fill);
  }
}

// The launch between cuBLAS's products, with these done on the host.
TEST_P(EverySchedule, StandardAttentionIsRight) {
  const auto expect_right = [](const Given& params) {
    Case c("attention", params, "", 1, Dtype::kBf16);
    EXPECT_FALSE(sb::testing::found_out(c, standard_on_fibers, 1)) << c.fault();
  };
  for (const char* causal : {"none", "bottom_right"}) {
    expect_right(heads(2, 4, 2, 9, 6, 16, causal));
  }
  expect_right(heads(1, 2, 2, 3, 1300, 8, "top_left"));
}

// The launch by itself, against its definition: all keys, a prefix that grows, rows that see
// nothing, more keys than threads.
TEST_P(EverySchedule, TheMaskedSoftmaxBetweenTheProductsIsRight) {
  for (const Dtype dtype : {Dtype::kF32, Dtype::kBf16, Dtype::kF16}) {
    for (const int diagonal : {-2, 1, 296, 300}) {
      const MaskedStage stage = masked_stage(2, 5, 300, diagonal, dtype);
      EXPECT_EQ(fault_of(stage, masked_softmax_on_fibers(stage)), "") << diagonal;
    }
  }
  const MaskedStage without_lse = masked_stage(1, 3, 7, 1, Dtype::kBf16, false);
  EXPECT_EQ(fault_of(without_lse, masked_softmax_on_fibers(without_lse)), "");
}

}  // namespace
}  // namespace sb::attention
