// The CUDA kernels of GR-KAN on fibers: right in four schedules, planted bugs caught.
#include <gtest/gtest.h>

#include <stdexcept>

#include "simt/launch.h"
#include "suites/gr_kan/backward_device.cuh"
#include "suites/gr_kan/forward.cuh"
#include "testing/check_case.h"

namespace sb::gr_kan {
namespace {

using sb::testing::Case;

Case given(const std::string& op, int rows, int d, int groups, const std::string& numerator = "") {
  std::map<std::string, std::string> params = {
      {"rows", std::to_string(rows)},
      {"d", std::to_string(d)},
      {"groups", std::to_string(groups)},
      {"coefficients", "random"}};  // the same for all groups would hide a wrong group
  if (!numerator.empty()) params["numerator"] = numerator;
  return {op, params};
}

class EverySchedule : public ::testing::TestWithParam<simt::Order> {
 protected:
  EverySchedule() : before_(simt::current_schedule()) { use(1); }
  ~EverySchedule() override { simt::current_schedule() = before_; }
  static void use(std::uint64_t seed) {
    simt::current_schedule() = {.order = GetParam(), .seed = seed};
  }

  static void expect_all_right(Case c) {
    for (const Variant* v : Registry::instance().variants_of(c.op().name())) {
      if (v->device != Device::kSimt) continue;
      c.run(*v);
      EXPECT_EQ(c.fault(), "") << v->full_name() << " " << c.problem().params.text();
    }
  }

 private:
  simt::Schedule before_;
};

INSTANTIATE_TEST_SUITE_P(GrKan, EverySchedule, ::testing::ValuesIn(simt::kAllOrders),
                         [](const auto& order) { return std::string(name_of(order.param)); });

TEST_P(EverySchedule, SmallShapesAreRightForManySeeds) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    use(seed);
    expect_all_right(given("gr_kan", 3, 8, 4));
    expect_all_right(given("gr_kan_backward", 3, 8, 4));
    expect_all_right(given("gr_kan_backward", 3, 8, 4, "shared"));
  }
}

// 65 rows: a tile and a row; 24 channels a group: six trips of 256 threads through a tile.
TEST_P(EverySchedule, TilesAndTheirRemaindersAreRight) {
  expect_all_right(given("gr_kan", 65, 48, 2));
  expect_all_right(given("gr_kan_backward", 65, 48, 2));
}

// More tiles than persistent blocks: each walks over several.
TEST_P(EverySchedule, PersistentBlocksWalkOverTheirTiles) {
  Case c = given("gr_kan_backward", 64 * 64 * 5 + 1, 2, 1);
  for (const Variant* v : Registry::instance().variants_of("gr_kan_backward")) {
    if (v->device != Device::kSimt || v->name != "persistent") continue;
    c.run(*v);
    EXPECT_EQ(c.fault(), "");
  }
}

TEST(Persistent, GivesTheSameBitsInEverySchedule) {
  Case c = given("gr_kan_backward", 300, 16, 2);
  const simt::Schedule before = simt::current_schedule();
  std::vector<std::vector<unsigned char>> bits;
  for (const Variant* v : Registry::instance().variants_of("gr_kan_backward")) {
    if (v->device != Device::kSimt || v->name != "persistent") continue;
    for (const simt::Order order : simt::kAllOrders) {
      simt::current_schedule() = {.order = order, .seed = 3};
      c.run(*v);
      bits.push_back(c.output_bits());
    }
  }
  simt::current_schedule() = before;
  ASSERT_EQ(bits.size(), simt::kAllOrders.size());
  for (const auto& other : bits) EXPECT_EQ(other, bits[0]);
}

// Was the device code found out: by its answer or by the memory checker?
template <typename Prepare>
bool caught(Case c, Prepare prepare) {
  const std::string op(c.op().name());
  const Variant wrong{.op = op, .name = "planted", .make = [&](const Problem& p) {
                        return std::make_unique<DeviceKernel>(
                            Registry::instance().find_operation(op)->tensors(p), prepare(p));
                      }};
  try {
    c.run(wrong);
    return !c.fault().empty();
  } catch (const std::runtime_error&) {
    return true;
  }
}

// On a tile and a row: the grid's blocks are tiles, or, for `parts` > 1, write a partial row each.
template <typename KernelFunction>
bool caught_backward(KernelFunction kernel, int parts = 1) {
  return caught(given("gr_kan_backward", 65, 48, 2), [=](const Problem& p) {
    return backward_run(p, kernel, {.x = 2, .y = 2, .threads = 256}, parts);
  });
}

TEST_P(EverySchedule, PlantedBugsAreCaught) {
  constexpr Bug kNoBarrier = Bug::kNoBarrierBeforeRead;
  constexpr Bug kDropped = Bug::kDroppedLastRow;
  EXPECT_TRUE((caught_backward(backward_flashkat<256, 64, kNoBarrier>)));
  EXPECT_TRUE((caught_backward(backward_flashkat<256, 64, kDropped>)));
  EXPECT_TRUE((caught_backward(backward_block_shared<256, 64, kNoBarrier>)));
  EXPECT_TRUE((caught_backward(backward_block_shared<256, 64, kDropped>)));
  EXPECT_TRUE((caught_backward(backward_persistent<256, 64, kNoBarrier>, 2)));
  EXPECT_TRUE((caught_backward(backward_persistent<256, 64, kDropped>, 2)));
  constexpr Bug kFirst = Bug::kFirstGroupForAll;
  EXPECT_TRUE((caught_backward(backward_flashkat<256, 64, kFirst>)));
  EXPECT_TRUE((caught_backward(backward_block_shared<256, 64, kFirst>)));
  EXPECT_TRUE((caught_backward(backward_persistent<256, 64, kFirst>, 2)));
  EXPECT_FALSE((caught_backward(backward_flashkat<256, 64>)));
  EXPECT_FALSE((caught_backward(backward_persistent<256, 64>, 2)));
}

// One block goes round the elements: 65 x 48 of them make a thread go round a dozen times.
template <Bug kBug>
bool caught_forward() {
  return caught(given("gr_kan", 65, 48, 2), [](const Problem& p) -> DeviceRun {
    return [s = device_shape(Shape(p))](const Operands& o) {
      using namespace forward;
      launch({.threads = 256}, forward_elements<kBug>, o.get<float>(kX), o.get<float>(kA),
             o.get<float>(kB), o.get<float>(kY), s);
    };
  });
}
template <Bug kBug>
bool caught_atomic() {
  return caught(given("gr_kan_backward", 65, 48, 2), [](const Problem& p) {
    return backward_run(p, backward_atomic<kBug>, {.threads = 256}, 1);
  });
}

template <Bug kBug>
bool caught_around_the_kernel() {
  return caught(given("gr_kan_backward", 65, 48, 2), [](const Problem& p) {
    return backward_run<kBug>(p, backward_atomic<>, {.threads = 256}, 1);
  });
}

TEST_P(EverySchedule, PlantedBugsAroundTheKernelAreCaught) {
  EXPECT_TRUE(caught_around_the_kernel<Bug::kLastSumNotCleared>());
  EXPECT_TRUE(caught_around_the_kernel<Bug::kLastCoefficientNotWritten>());
}

TEST_P(EverySchedule, PlantedBugsOfTheElementwiseKernelsAreCaught) {
  EXPECT_TRUE(caught_forward<Bug::kDroppedLastRow>());
  EXPECT_TRUE(caught_forward<Bug::kFirstGroupForAll>());
  EXPECT_FALSE(caught_forward<Bug::kNone>());
  EXPECT_TRUE(caught_atomic<Bug::kDroppedLastRow>());
  EXPECT_TRUE(caught_atomic<Bug::kFirstGroupForAll>());
  EXPECT_FALSE(caught_atomic<Bug::kNone>());
}

}  // namespace
}  // namespace sb::gr_kan
