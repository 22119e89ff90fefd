// Every planted bug of the CUDA kernels of GR-KAN is caught, in every schedule of the fibers.
#include "suites/gr_kan/backward_device.cuh"
#include "suites/gr_kan/device_test.h"
#include "suites/gr_kan/forward.cuh"
#include "testing/schedules.h"

namespace sb::gr_kan {
namespace {

using sb::testing::Case;

class PlantedBugs : public sb::testing::Scheduled {};

INSTANTIATE_TEST_SUITE_P(GrKan, PlantedBugs, sb::testing::every_schedule(),
                         sb::testing::name_of_schedule);

template <typename Prepare>
bool caught(Case c, Prepare prepare) {
  return sb::testing::found_out(
      c, [&](const Problem& p) { return std::make_unique<DeviceKernel>(c.specs(), prepare(p)); });
}

// On a tile and a row: the grid's blocks are tiles, or, for `parts` > 1, write a partial row each.
template <typename KernelFunction>
bool caught_backward(KernelFunction kernel, int parts = 1) {
  return caught(given("gr_kan_backward", 65, 48, 2), [=](const Problem& p) {
    return backward_run(p, kernel, {.x = 2, .y = 2, .threads = 256}, parts);
  });
}

TEST_P(PlantedBugs, OfTheBackwardPassAreCaught) {
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

TEST_P(PlantedBugs, AroundTheKernelAreCaught) {
  EXPECT_TRUE(caught_around_the_kernel<Bug::kLastSumNotCleared>());
  EXPECT_TRUE(caught_around_the_kernel<Bug::kLastCoefficientNotWritten>());
}

TEST_P(PlantedBugs, OfTheElementwiseKernelsAreCaught) {
  EXPECT_TRUE(caught_forward<Bug::kDroppedLastRow>());
  EXPECT_TRUE(caught_forward<Bug::kFirstGroupForAll>());
  EXPECT_FALSE(caught_forward<Bug::kNone>());
  EXPECT_TRUE(caught_atomic<Bug::kDroppedLastRow>());
  EXPECT_TRUE(caught_atomic<Bug::kFirstGroupForAll>());
  EXPECT_FALSE(caught_atomic<Bug::kNone>());
}

}  // namespace
}  // namespace sb::gr_kan
