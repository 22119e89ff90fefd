// The CUDA kernels of attention on fibers: right in four schedules, planted bugs caught.
#include <gtest/gtest.h>

#include <stdexcept>

#include "simt/launch.h"
#include "suites/attention/backward_call.cuh"
#include "suites/attention/decode_call.cuh"
#include "suites/attention/flash1_call.cuh"
#include "suites/attention/flash2_call.cuh"
#include "suites/attention/lean_call.cuh"
#include "suites/attention/standard_call.cuh"
#include "testing/check_case.h"

namespace sb::attention {
namespace {

using sb::testing::Case;
using Given = std::map<std::string, std::string>;

Given heads(int b, int h, int hkv, int m, int n, int d, const std::string& causal) {
  return {{"b", std::to_string(b)}, {"h", std::to_string(h)}, {"hkv", std::to_string(hkv)},
          {"m", std::to_string(m)}, {"n", std::to_string(n)}, {"d", std::to_string(d)},
          {"causal", causal},       {"lse", "true"}};
}

class EverySchedule : public ::testing::TestWithParam<simt::Order> {
 protected:
  EverySchedule() : before_(simt::current_schedule()) { use(1); }
  ~EverySchedule() override { simt::current_schedule() = before_; }
  static void use(std::uint64_t seed) {
    simt::current_schedule() = {.order = GetParam(), .seed = seed};
  }
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

 private:
  simt::Schedule before_;
};

INSTANTIATE_TEST_SUITE_P(Attention, EverySchedule, ::testing::ValuesIn(simt::kAllOrders),
                         [](const auto& order) { return std::string(name_of(order.param)); });

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

Given gradients(int b, int h, int hkv, int m, int n, int d, const std::string& causal) {
  Given params = heads(b, h, hkv, m, n, d, causal);
  params.erase("lse");
  return params;
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

Given contexts(int b, int h, int hkv, int n, int d, int ragged = 1) {
  return {{"b", std::to_string(b)}, {"h", std::to_string(h)}, {"hkv", std::to_string(hkv)},
          {"n", std::to_string(n)}, {"d", std::to_string(d)}, {"ragged", std::to_string(ragged)}};
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

// Seeds for what depends on the order of the warps; one will do for a wrong formula.
constexpr int kOrderSeeds = 2;

// Was the kernel found out in each of `seeds` schedules: by its answer or by the memory checker?
template <typename Prepare>
bool caught(const std::string& op, const Given& params, const std::string& fill, int seeds,
            Prepare prepare, int calls = 1) {
  Case c(op, params, fill, 1, Dtype::kBf16);
  const Variant wrong{.op = op, .name = "planted", .make = [&](const Problem& p) {
                        return std::make_unique<DeviceKernel>(c.specs(), prepare(p));
                      }};
  for (int seed = 1; seed <= seeds; ++seed) {
    simt::current_schedule().seed = static_cast<std::uint64_t>(seed);
    try {
      c.run(wrong, calls);
      if (c.fault().empty()) return false;
    } catch (const std::runtime_error&) {  // the memory checker saw it
    }
  }
  return true;
}

template <Bug kBug>
bool caught_flash2(const std::string& causal = "none", const std::string& fill = "",
                   int seeds = 1) {
  return caught("attention", heads(1, 1, 1, 128, 200, 64, causal), fill, seeds,
                flash2_run<Bf16, 64, kBug>);
}

// Warps that keep pace do each other no harm: without the checker a barrier is surely missed only
// where one warp runs ahead.
bool shows_missing_barriers(simt::Order order) {
  return simt::memory_is_checked() || order == simt::Order::kSkewed;
}

TEST_P(EverySchedule, PlantedBugsOfFlash2AreCaught) {
  EXPECT_TRUE(caught_flash2<Bug::kNoWaitForValues>("none", "", kOrderSeeds));
  if (shows_missing_barriers(GetParam())) {
    EXPECT_TRUE(caught_flash2<Bug::kNoBarrierBeforeValues>("none", "", kOrderSeeds));
    EXPECT_TRUE(caught_flash2<Bug::kNoBarrierBeforeKeys>("none", "", kOrderSeeds));
  }
  EXPECT_TRUE(caught_flash2<Bug::kNoRescale>("none", "ascending_keys"));
  EXPECT_TRUE(caught_flash2<Bug::kNoMask>("top_left"));
  EXPECT_FALSE(caught_flash2<Bug::kNone>());
}

template <BackwardBug kInKeys, BackwardBug kInQueries = kInKeys>
bool caught_backward(const std::string& causal = "none", const std::string& fill = "",
                     int seeds = 1) {
  return caught("attention_backward", gradients(1, 2, 1, 70, 70, 64, causal), fill, seeds,
                backward_run<Bf16, 64, kInKeys, kInQueries>);
}

template <BackwardBug kBug>
void expect_caught_in_both_passes(const std::string& causal = "none", const std::string& fill = "",
                                  int seeds = 1) {
  const auto bug = static_cast<int>(kBug);
  EXPECT_TRUE((caught_backward<kBug, BackwardBug::kNone>(causal, fill, seeds)))
      << "bug " << bug << " in keys";
  EXPECT_TRUE((caught_backward<BackwardBug::kNone, kBug>(causal, fill, seeds)))
      << "bug " << bug << " in queries";
}

TEST_P(EverySchedule, PlantedBugsOfTheBackwardPassAreCaught) {
  expect_caught_in_both_passes<BackwardBug::kNoWait>("none", "", kOrderSeeds);
  if (shows_missing_barriers(GetParam())) {
    expect_caught_in_both_passes<BackwardBug::kNoBarrier>("none", "", kOrderSeeds);
  }
  expect_caught_in_both_passes<BackwardBug::kNoMask>("top_left");
  // Of positive numbers dP and rowsum(dO O) are nearly the same, and little is left of dS.
  expect_caught_in_both_passes<BackwardBug::kNoDelta>("none", "uniform(0.5, 1)");
  EXPECT_TRUE((caught_backward<BackwardBug::kLastHeadOnly, BackwardBug::kNone>()));
  EXPECT_TRUE((caught_backward<BackwardBug::kLastDeltaLeftOut, BackwardBug::kNone>()));
  EXPECT_FALSE((caught_backward<BackwardBug::kNone>()));
}

template <Flash1Bug kBug>
bool caught_flash1(const std::string& fill = "") {
  return caught("attention", heads(1, 1, 1, 33, 200, 64, "none"), fill, 2,
                flash1_run<Bf16, 64, kBug>);
}

TEST_P(EverySchedule, PlantedBugsOfFlash1AreCaught) {
  if (shows_missing_barriers(GetParam())) {
    EXPECT_TRUE(caught_flash1<Flash1Bug::kNoBarrier>());
  }
  EXPECT_TRUE(caught_flash1<Flash1Bug::kNoRescale>("ascending_keys"));
  EXPECT_TRUE(caught_flash1<Flash1Bug::kOneWarpOnly>());
  EXPECT_FALSE(caught_flash1<Flash1Bug::kNone>());
}

// What stands in for cuBLAS on the host.
struct BlasByDefinition {
  void multiply(bool transposed, std::int64_t rows, std::int64_t columns, std::int64_t inner,
                float factor, const Matrices& a, const Matrices& b, const Matrices& to,
                std::int64_t count) const {
    for (std::int64_t i = 0; i < count * rows * columns; ++i) {
      const std::int64_t row = i % rows, column = i / rows % columns, which = i / (rows * columns);
      double sum = 0;
      for (std::int64_t k = 0; k < inner; ++k) {
        const std::int64_t of_a = transposed ? row * a.column + k : k * a.column + row;
        sum += load_as_double(a.type, a.data, which * a.next + of_a) *
               load_as_double(b.type, b.data, which * b.next + column * b.column + k);
      }
      store_from_double(to.type, const_cast<void*>(to.data),
                        which * to.next + column * to.column + row, factor * sum);
    }
  }
};

// The launch between cuBLAS's products, with these done on the host.
TEST_P(EverySchedule, StandardAttentionIsRight) {
  for (const char* causal : {"none", "bottom_right"}) {
    EXPECT_FALSE(caught("attention", heads(2, 4, 2, 9, 6, 16, causal), "", 1,
                        standard_run<BlasByDefinition>));
  }
  EXPECT_FALSE(caught("attention", heads(1, 2, 2, 3, 1300, 8, "top_left"), "", 1,
                      standard_run<BlasByDefinition>));
}

template <MaskedBug kBug>
bool caught_masked() {
  return caught("attention", heads(1, 1, 1, 5, 300, 16, "top_left"), "", 2,
                standard_of_type<Bf16, BlasByDefinition, kBug>);
}

// The launch by itself, against its definition: all keys, a prefix that grows, rows that see
// nothing, more keys than threads.
TEST_P(EverySchedule, TheMaskedSoftmaxBetweenTheProductsIsRight) {
  for (const Dtype dtype : {Dtype::kF32, Dtype::kBf16, Dtype::kF16}) {
    for (const int diagonal : {-2, 1, 296, 300}) {
      const MaskedStage stage = masked_stage(2, 5, 300, diagonal, dtype);
      EXPECT_EQ(fault_of(stage, run_masked_softmax(stage)), "") << diagonal;
    }
  }
  const MaskedStage without_lse = masked_stage(1, 3, 7, 1, Dtype::kBf16, false);
  EXPECT_EQ(fault_of(without_lse, run_masked_softmax(without_lse)), "");
}

template <MaskedBug kBug>
bool caught_between_products() {
  const MaskedStage stage = masked_stage(1, 5, 300, 1, Dtype::kF32);
  try {
    return !fault_of(stage, run_masked_softmax<kBug>(stage)).empty();
  } catch (const std::runtime_error&) {  // the memory checker saw it
    return true;
  }
}

TEST_P(EverySchedule, PlantedBugsBetweenTheProductsAreCaught) {
  if (shows_missing_barriers(GetParam())) {
    EXPECT_TRUE(caught_between_products<MaskedBug::kNoBarrier>());
  }
  EXPECT_TRUE(caught_between_products<MaskedBug::kNoMask>());
  EXPECT_FALSE(caught_between_products<MaskedBug::kNone>());
}

TEST_P(EverySchedule, PlantedBugsOfTheMaskedSoftmaxAreCaught) {
  if (shows_missing_barriers(GetParam())) {
    EXPECT_TRUE(caught_masked<MaskedBug::kNoBarrier>());
  }
  EXPECT_TRUE(caught_masked<MaskedBug::kNoMask>());
  EXPECT_FALSE(caught_masked<MaskedBug::kNone>());
}

template <bool kFixed, DecodeBug kBug>
bool caught_decode(const std::string& fill = "") {
  return caught("attention_decode", contexts(1, 2, 1, 701, 64), fill, kOrderSeeds,
                [](const Problem& p) {
                  return decode_run<RowSplit<Bf16, 8, 1>, 4, kFixed, kBug>(p, split_contexts);
                });
}

// Two heads over sixteen blocks: each owner waits for seven others. Two calls: a flag that stays
// up shows in the second.
template <DecodeBug kBug>
bool caught_lean(const std::string& fill = "") {
  return caught("attention_decode", contexts(1, 2, 2, 2000, 64), fill, 2,
                lean_run<RowSplit<Bf16, 8, 1>, 1, kBug>, 2);
}

TEST_P(EverySchedule, PlantedBugsOfLeanDecodingAreCaught) {
  EXPECT_TRUE(caught_lean<DecodeBug::kNoRescale>("ascending_keys"));
  if (simt::memory_is_checked()) {  // the answers may come out right
    EXPECT_TRUE(caught_lean<DecodeBug::kEarlyFlag>());
    EXPECT_TRUE(caught_lean<DecodeBug::kNoWait>());
    // In reverse the owners come last: whether they wait makes no difference.
    if (GetParam() != simt::Order::kReverse) {
      EXPECT_TRUE(caught_lean<DecodeBug::kFlagStays>());
    }
  }
  EXPECT_FALSE(caught_lean<DecodeBug::kNone>());
}

TEST_P(EverySchedule, PlantedBugsOfDecodingAreCaught) {
  if (shows_missing_barriers(GetParam())) {
    EXPECT_TRUE((caught_decode<false, DecodeBug::kNoBarrier>()));
  }
  EXPECT_TRUE((caught_decode<false, DecodeBug::kDroppedKey>("equal_scores")));
  EXPECT_TRUE((caught_decode<true, DecodeBug::kDroppedKey>("equal_scores")));
  EXPECT_TRUE((caught_decode<false, DecodeBug::kNoRescale>("ascending_keys")));
  EXPECT_TRUE((caught_decode<true, DecodeBug::kNoFallback>("large_scores")));
  EXPECT_FALSE((caught_decode<false, DecodeBug::kNone>()));
  EXPECT_FALSE((caught_decode<true, DecodeBug::kNone>("large_scores")));
}

}  // namespace
}  // namespace sb::attention
