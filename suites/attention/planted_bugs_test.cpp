// Every planted bug of the CUDA kernels of attention is caught, in every schedule of the fibers.
#include "suites/attention/backward_call.cuh"
#include "suites/attention/blas_by_definition.cuh"
#include "suites/attention/decode_call.cuh"
#include "suites/attention/device_test.h"
#include "suites/attention/flash1_call.cuh"
#include "suites/attention/flash2_call.cuh"
#include "suites/attention/lean_call.cuh"
#include "testing/schedules.h"

namespace sb::attention {
namespace {

using sb::testing::Case;
using sb::testing::found_out;
using sb::testing::shows_missing_barriers;

class PlantedBugs : public sb::testing::Scheduled {};

INSTANTIATE_TEST_SUITE_P(Attention, PlantedBugs, sb::testing::every_schedule(),
                         sb::testing::name_of_schedule);

// Seeds for what depends on the order of the warps; one will do for a wrong formula.
constexpr int kOrderSeeds = 2;

// Was the kernel found out in each of `seeds` schedules?
template <typename Prepare>
bool caught(const std::string& op, const Given& params, const std::string& fill, int seeds,
            Prepare prepare, int calls = 1) {
  Case c(op, params, fill, 1, Dtype::kBf16);
  for (int seed = 1; seed <= seeds; ++seed) {
    simt::current_schedule().seed = static_cast<std::uint64_t>(seed);
    if (!found_out(
            c,
            [&](const Problem& p) { return std::make_unique<DeviceKernel>(c.specs(), prepare(p)); },
            calls)) {
      return false;
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

TEST_P(PlantedBugs, OfFlash2AreCaught) {
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

TEST_P(PlantedBugs, OfTheBackwardPassAreCaught) {
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

TEST_P(PlantedBugs, OfFlash1AreCaught) {
  if (shows_missing_barriers(GetParam())) {
    EXPECT_TRUE(caught_flash1<Flash1Bug::kNoBarrier>());
  }
  EXPECT_TRUE(caught_flash1<Flash1Bug::kNoRescale>("ascending_keys"));
  EXPECT_TRUE(caught_flash1<Flash1Bug::kOneWarpOnly>());
  EXPECT_FALSE(caught_flash1<Flash1Bug::kNone>());
}

template <MaskedBug kBug>
bool caught_masked() {
  return caught("attention", heads(1, 1, 1, 5, 300, 16, "top_left"), "", 2,
                standard_of_type<Bf16, BlasByDefinition, kBug>);
}

TEST_P(PlantedBugs, OfTheMaskedSoftmaxAreCaught) {
  if (shows_missing_barriers(GetParam())) {
    EXPECT_TRUE(caught_masked<MaskedBug::kNoBarrier>());
  }
  EXPECT_TRUE(caught_masked<MaskedBug::kNoMask>());
  EXPECT_FALSE(caught_masked<MaskedBug::kNone>());
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

TEST_P(PlantedBugs, BetweenTheProductsAreCaught) {
  if (shows_missing_barriers(GetParam())) {
    EXPECT_TRUE(caught_between_products<MaskedBug::kNoBarrier>());
  }
  EXPECT_TRUE(caught_between_products<MaskedBug::kNoMask>());
  EXPECT_FALSE(caught_between_products<MaskedBug::kNone>());
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

TEST_P(PlantedBugs, OfLeanDecodingAreCaught) {
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

TEST_P(PlantedBugs, OfDecodingAreCaught) {
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
