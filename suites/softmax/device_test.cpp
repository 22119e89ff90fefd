// The CUDA kernels on fibers: right in four schedules, and planted bugs that must not pass.
#include <gtest/gtest.h>

#include <stdexcept>

#include "backend/device_variant.cuh"
#include "simt/launch.h"
#include "suites/softmax/block_resident.cuh"
#include "suites/softmax/online.cuh"
#include "suites/softmax/online_split.cuh"
#include "suites/softmax/softmax_op.h"
#include "suites/softmax/warp_per_row.cuh"
#include "testing/check_case.h"

namespace sb::softmax {
namespace {

using sb::testing::Case;

Case given(std::int64_t rows, std::int64_t cols, std::int64_t stride = 0,
           const std::string& fill = "") {
  return {"softmax",
          {{"rows", std::to_string(rows)},
           {"cols", std::to_string(cols)},
           {"stride", std::to_string(stride)}},
          fill};
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
    for (const Variant* v : Registry::instance().variants_of("softmax")) {
      if (v->device != Device::kSimt || !why_not(*v, c.problem()).empty()) continue;
      c.run(*v);
      EXPECT_EQ(c.fault(), "") << v->full_name() << " " << c.problem().params.text() << " seed "
                               << seed;
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Softmax, EverySchedule, ::testing::ValuesIn(simt::kAllOrders),
                         [](const auto& order) { return std::string(name_of(order.param)); });

TEST_P(EverySchedule, SmallShapesAreRightForManySeeds) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    expect_all_right(given(5, 7), seed);
    expect_all_right(given(2, 130, 132), seed);
  }
}

TEST_P(EverySchedule, LoopsOfFiveTripsAndTailsAreRight) {
  expect_all_right(given(2, 6 * 1024 + 3));
  expect_all_right(given(1, 32768));
  expect_all_right(given(1, 6 * 8192 + 5));
  expect_all_right(given(9, 1021, 1023, "half_masked"));
}

// Many pieces per row: the merge of the second launch loops, too.
TEST_P(EverySchedule, ARowOfManyPiecesIsRight) { expect_all_right(given(1, 170 * 8192 + 1)); }

// How often `launch_wrong`, given the operands' memory, passes for right out of `seeds` schedules.
template <typename Launch>
int times_missed(Case c, const simt::Schedule& first, int seeds, Launch launch_wrong) {
  const Variant wrong{.op = "softmax", .name = "planted", .make = [&](const Problem& problem) {
                        return std::make_unique<DeviceKernel>(
                            Registry::instance().find_operation("softmax")->tensors(problem),
                            [&, s = Shape(problem)](const Operands& o) { launch_wrong(s, o); });
                      }};
  int missed = 0;
  for (int seed = 1; seed <= seeds; ++seed) {
    const Scheduled scheduled({.order = first.order, .seed = static_cast<std::uint64_t>(seed)});
    try {
      c.run(wrong);
      missed += c.fault().empty() ? 1 : 0;
    } catch (const std::runtime_error&) {  // the memory checker saw it
    }
  }
  return missed;
}

TEST_P(EverySchedule, AMissingBarrierIsCaught) {
  constexpr Bug kBug = Bug::kNoBarrierBeforeRead;
  const auto missed = [&](auto kernel) {
    return times_missed(
        given(1, 2048, 0, "one_dominant"), schedule(1), 20, [=](const Shape& s, const Operands& o) {
          launch({.threads = 256}, kernel, o.get<float>(kX), o.get<float>(kY), s.cols, s.stride);
        });
  };
  EXPECT_EQ(missed(online<256, kBug>), 0);
  EXPECT_EQ(missed(block_resident<256, 4, kBug>), 0);
}

TEST_P(EverySchedule, ADroppedTailIsCaught) {
  constexpr Bug kBug = Bug::kDroppedTail;
  EXPECT_EQ(times_missed(given(1, 1021), schedule(1), 1,
                         [](const Shape& s, const Operands& o) {
                           launch({.threads = 256}, online<256, kBug>, o.get<float>(kX),
                                  o.get<float>(kY), s.cols, s.stride);
                         }),
            0);
  EXPECT_EQ(times_missed(given(3, 1021), schedule(1), 1,
                         [](const Shape& s, const Operands& o) {
                           launch({.threads = 128}, warp_per_row<8, kBug>, o.get<float>(kX),
                                  o.get<float>(kY), s.rows, s.cols, s.stride);
                         }),
            0);
}

}  // namespace
}  // namespace sb::softmax
