// The CUDA kernels on fibers: right in four schedules, and planted bugs that must not pass.
#include <gtest/gtest.h>

#include <stdexcept>

#include "simt/launch.h"
#include "suites/softmax/block_resident.cuh"
#include "suites/softmax/online.cuh"
#include "suites/softmax/softmax_op.h"
#include "suites/softmax/split_call.cuh"
#include "suites/softmax/warp_per_row.cuh"
#include "testing/check_case.h"

namespace sb::softmax {
namespace {

using sb::testing::Case;

Case given(std::int64_t rows, std::int64_t cols, std::int64_t stride = 0,
           const std::string& fill = "", const std::string& op = "softmax",
           Dtype dtype = Dtype::kF32) {
  return {op,
          {{"rows", std::to_string(rows)},
           {"cols", std::to_string(cols)},
           {"stride", std::to_string(stride)}},
          fill,
          1,
          dtype};
}

class Scheduled {
 public:
  explicit Scheduled(const simt::Schedule& schedule) : before_(simt::current_schedule()) {
    simt::current_schedule() = schedule;
  }
  ~Scheduled() { simt::current_schedule() = before_; }

 private:
  simt::Schedule before_;
};

class EverySchedule : public ::testing::TestWithParam<simt::Order> {
 protected:
  static simt::Schedule schedule(std::uint64_t seed) { return {.order = GetParam(), .seed = seed}; }

  static void expect_all_right(Case c, std::uint64_t seed = 1) {
    const Scheduled scheduled(schedule(seed));
    for (const Variant* v : Registry::instance().variants_of(c.op().name())) {
      if (v->device != Device::kSimt || !why_not(*v, c.problem()).empty()) continue;
      c.run(*v);
      EXPECT_EQ(c.fault(), "") << v->full_name() << " " << name_of(c.problem().dtype) << " "
                               << c.problem().params.text() << " seed " << seed;
    }
  }
  // Both operations, every storage type.
  static void expect_all_forms_right(std::int64_t rows, std::int64_t cols, std::int64_t stride = 0,
                                     const std::string& fill = "", std::uint64_t seed = 1) {
    for (const char* op : {"softmax", "log_softmax"}) {
      for (const Dtype dtype : {Dtype::kF32, Dtype::kBf16, Dtype::kF16}) {
        expect_all_right(given(rows, cols, stride, fill, op, dtype), seed);
      }
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Softmax, EverySchedule, ::testing::ValuesIn(simt::kAllOrders),
                         [](const auto& order) { return std::string(name_of(order.param)); });

TEST_P(EverySchedule, SmallShapesAreRightForManySeeds) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    expect_all_right(given(5, 7), seed);
    expect_all_right(given(2, 130, 132, "", "log_softmax", Dtype::kBf16), seed);
  }
}

TEST_P(EverySchedule, BothOperationsAndAllTypesAreRightWhateverTheAlignment) {
  expect_all_forms_right(5, 7);
  expect_all_forms_right(2, 130, 136);
  expect_all_forms_right(9, 1021, 1023);
  expect_all_forms_right(2, 1000, 0, "one_nan");
  for (const char* fill : {"half_masked", "all_masked", "one_inf", "steep"}) {
    expect_all_forms_right(1, 1024, 0, fill);
  }
  for (const char* fill : {"huge", "very_low"}) expect_all_right(given(1, 1024, 0, fill));
}

// 256 threads of 8 numbers each go round six times.
TEST_P(EverySchedule, LoopsOfFiveTripsAndTailsAreRight) {
  expect_all_forms_right(2, 6 * 2048 + 3);
  expect_all_right(given(1, 32768));
  expect_all_right(given(1, 6 * 8192 + 5));
}

// Many pieces per row: the merge of the second launch loops, too.
TEST_P(EverySchedule, ARowOfManyPiecesIsRight) { expect_all_right(given(1, 170 * 8192 + 1)); }

// How often `launch_wrong`, given the operands' memory, passes for right out of `seeds` schedules.
template <typename Launch>
int times_missed(Case& c, simt::Order order, int seeds, Launch launch_wrong) {
  const Variant wrong{.op = "softmax", .name = "planted", .make = [&](const Problem& problem) {
                        return std::make_unique<DeviceKernel>(
                            Registry::instance().find_operation("softmax")->tensors(problem),
                            [&, s = Shape(problem)](const Operands& o) { launch_wrong(s, o); });
                      }};
  int missed = 0;
  for (int seed = 1; seed <= seeds; ++seed) {
    const Scheduled scheduled({.order = order, .seed = static_cast<std::uint64_t>(seed)});
    try {
      c.run(wrong);
      missed += c.fault().empty() ? 1 : 0;
    } catch (const std::runtime_error&) {  // the memory checker saw it
    }
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

TEST_P(EverySchedule, AMissingBarrierIsCaught) {
  constexpr Bug kBug = Bug::kNoBarrierBeforeRead;
  Case c = given(1, 2048, 0, "one_dominant");
  EXPECT_EQ(missed_in_a_row(online<float, Result::kSoftmax, 256, kBug>, c, GetParam(), 20), 0);
  EXPECT_EQ(
      missed_in_a_row(block_resident<float, Result::kSoftmax, 256, 8, kBug>, c, GetParam(), 20), 0);
  // Only the first warp's sum is written, and it may be the last by chance: not in five blocks.
  Case pieces = given(1, 5 * 2048);
  EXPECT_EQ((missed_in_split<SplitLauncher<OnlineMethod, kBug>>(pieces, 2048, GetParam(), 20)), 0);
}

TEST_P(EverySchedule, ADroppedTailIsCaught) {
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

TEST_P(EverySchedule, APieceLeftOutOfTheMergeIsCaught) {
  expect_left_out_pieces_are_caught<OnlineMethod>(GetParam());
  expect_left_out_pieces_are_caught<TwoPassMethod>(GetParam());
}

TEST_P(EverySchedule, AnExponentThatStaysOrARowOutOfReachIsCaught) {
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
