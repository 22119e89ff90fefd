// Every planted bug of the softmax kernels is caught, in every schedule of the fibers.
#include "suites/softmax/block_resident.cuh"
#include "suites/softmax/device_test.h"
#include "suites/softmax/online.cuh"
#include "suites/softmax/softmax_op.h"
#include "suites/softmax/split_call.cuh"
#include "suites/softmax/warp_per_row.cuh"
#include "testing/schedules.h"

namespace sb::softmax {
namespace {

using sb::testing::Case;

class PlantedBugs : public sb::testing::Scheduled {};

INSTANTIATE_TEST_SUITE_P(Softmax, PlantedBugs, sb::testing::every_schedule(),
                         sb::testing::name_of_schedule);

// How often `launch_wrong`, given the operands' memory, passes for right out of `seeds` schedules.
template <typename Launch>
int times_missed(Case& c, simt::Order order, int seeds, Launch launch_wrong) {
  int missed = 0;
  for (int seed = 1; seed <= seeds; ++seed) {
    simt::current_schedule() = {.order = order, .seed = static_cast<std::uint64_t>(seed)};
    missed += sb::testing::found_out(c,
                                     [&](const Problem& problem) {
                                       return std::make_unique<DeviceKernel>(
                                           c.specs(), [&, s = Shape(problem)](const Operands& o) {
                                             launch_wrong(s, o);
                                           });
                                     })
                  ? 0
                  : 1;
  }
  return missed;
}

// A kernel of a block per row, on one row.
template <typename KernelFunction>
int missed_in_a_row(KernelFunction kernel, Case& c, simt::Order order, int seeds) {
  return times_missed(c, order, seeds, [=](const Shape& s, const Operands& o) {
    launch({.threads = 256}, kernel, o.get<float>(kX), o.get<float>(kY), s.cols, s.stride);
  });
}

// The split kernels on one row of pieces of `piece`: with 8 a lane merges many.
template <typename Launcher>
int missed_in_split(Case& c, std::int64_t piece, simt::Order order, int seeds) {
  return times_missed(c, order, seeds, [=](const Shape& s, const Operands& o) {
    const Split split{.cols = s.cols,
                      .stride = s.stride,
                      .piece = piece,
                      .pieces = static_cast<int>((s.cols + piece - 1) / piece)};
    Launcher::template run<float, Result::kSoftmax>(split, 1).run(o);
  });
}

TEST_P(PlantedBugs, AMissingBarrierIsCaught) {
  constexpr Bug kBug = Bug::kNoBarrierBeforeRead;
  Case c = given(1, 2048, 0, "one_dominant");
  EXPECT_EQ(missed_in_a_row(online<float, Result::kSoftmax, 256, kBug>, c, GetParam(), 20), 0);
  EXPECT_EQ(
      missed_in_a_row(block_resident<float, Result::kSoftmax, 256, 8, kBug>, c, GetParam(), 20), 0);
  // Only the first warp's sum is written, and it may be the last by chance: not in five blocks.
  Case pieces = given(1, 5 * 2048);
  EXPECT_EQ((missed_in_split<SplitLauncher<OnlineMethod, kBug>>(pieces, 2048, GetParam(), 20)), 0);
}

TEST_P(PlantedBugs, ADroppedTailIsCaught) {
  constexpr Bug kBug = Bug::kDroppedTail;
  Case c = given(1, 1021);
  EXPECT_EQ(missed_in_a_row(online<float, Result::kSoftmax, 256, kBug>, c, GetParam(), 1), 0);
  EXPECT_EQ(
      missed_in_a_row(block_resident<float, Result::kSoftmax, 256, 8, kBug>, c, GetParam(), 1), 0);
  EXPECT_EQ((missed_in_split<SplitLauncher<OnlineMethod, kBug>>(c, 512, GetParam(), 1)), 0);
  Case rows = given(3, 1021);
  EXPECT_EQ(times_missed(rows, GetParam(), 1,
                         [](const Shape& s, const Operands& o) {
                           launch({.threads = 128}, warp_per_row<float, Result::kSoftmax, 32, kBug>,
                                  o.get<float>(kX), o.get<float>(kY), s.rows, s.cols, s.stride);
                         }),
            0);
}

template <typename Method>
void expect_left_out_pieces_are_caught(simt::Order order) {
  Case c = given(1, 1601);  // 201 pieces: lanes merge six or seven
  using Wrong = SplitLauncher<Method, Bug::kNone, Bug::kDroppedPieces, 64>;
  using Right = SplitLauncher<Method, Bug::kNone, Bug::kNone, 64>;
  EXPECT_EQ(missed_in_split<Wrong>(c, 8, order, 1), 0);
  EXPECT_EQ(missed_in_split<Right>(c, 8, order, 1), 1);
}

TEST_P(PlantedBugs, APieceLeftOutOfTheMergeIsCaught) {
  expect_left_out_pieces_are_caught<OnlineMethod>(GetParam());
  expect_left_out_pieces_are_caught<TwoPassMethod>(GetParam());
}

TEST_P(PlantedBugs, AnExponentThatStaysOrARowOutOfReachIsCaught) {
  // Without the fallback, which would mend what overflows.
  using Stays = SplitLauncher<TwoPassMethod, Bug::kExponentStays, Bug::kNoFallback>;
  Case steep = given(1, 9000, 0, "steep");
  EXPECT_EQ(missed_in_split<Stays>(steep, 2048, GetParam(), 1), 0);
  EXPECT_EQ(missed_in_split<SplitLauncher<TwoPassMethod>>(steep, 2048, GetParam(), 1), 1);
  using NoFallback = SplitLauncher<TwoPassMethod, Bug::kNone, Bug::kNoFallback>;
  Case huge = given(1, 600, 0, "huge");
  EXPECT_EQ(missed_in_split<NoFallback>(huge, 128, GetParam(), 1), 0);
  EXPECT_EQ(missed_in_split<SplitLauncher<TwoPassMethod>>(huge, 128, GetParam(), 1), 1);
}

}  // namespace
}  // namespace sb::softmax
