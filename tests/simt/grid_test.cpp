// The machine that kernels run on without a GPU: what it computes and what it complains about.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <vector>

#include "simt/cuda_language.h"

namespace sb::simt {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

constexpr LaunchShape kTwoWarps = {.grid = {1}, .block = {64}};

class EverySchedule : public ::testing::TestWithParam<Order> {
 protected:
  Schedule schedule(std::uint64_t seed = 1) const {
    return {.order = GetParam(), .seed = seed, .resident = 3};
  }
};

INSTANTIATE_TEST_SUITE_P(Simt, EverySchedule, ::testing::ValuesIn(kAllOrders),
                         [](const auto& order) { return std::string(name_of(order.param)); });

TEST_P(EverySchedule, RunsEveryThreadOfEveryBlockOnce) {
  std::vector<int> visits(5 * 2 * 6 * 4);
  const Report report = launch({.grid = {5, 2}, .block = {6, 4}}, schedule(), [&] {
    const unsigned block = blockIdx.y * gridDim.x + blockIdx.x;
    ++visits[block * 24 + threadIdx.y * blockDim.x + threadIdx.x];
  });
  EXPECT_TRUE(report.ok());
  EXPECT_THAT(visits, ::testing::Each(1));
}

TEST_P(EverySchedule, ABarrierOrdersSharedMemory) {
  std::vector<int> reversed(64);
  const Report report = launch(kTwoWarps, schedule(), [&] {
    SB_SHARED(int, values, [64]);
    const unsigned t = threadIdx.x;
    values[t] = static_cast<int>(t);
    __syncthreads();
    reversed[t] = values[63 - t];
  });
  EXPECT_TRUE(report.ok());
  EXPECT_EQ(report.barriers, 1u);
  EXPECT_EQ(report.shared_bytes, 256u);
  for (int t = 0; t < 64; ++t) EXPECT_EQ(reversed[static_cast<std::size_t>(t)], 63 - t);
}

TEST_P(EverySchedule, ShufflesReadTheLaneThatCudaNames) {
  // Lane 5 of segments of 8 lanes: index 2 is lane 2, up and down leave the segment or not.
  std::vector<int> got(6);
  const Report report = launch({.block = {32}}, schedule(), [&] {
    const int lane = static_cast<int>(threadIdx.x);
    const int all[] = {__shfl_sync(~0u, lane, 10, 8),     __shfl_up_sync(~0u, lane, 2, 8),
                       __shfl_up_sync(~0u, lane, 6, 8),   __shfl_down_sync(~0u, lane, 2, 8),
                       __shfl_down_sync(~0u, lane, 3, 8), __shfl_xor_sync(~0u, lane, 16)};
    if (lane == 5) std::copy(std::begin(all), std::end(all), got.begin());
  });
  EXPECT_TRUE(report.ok());
  EXPECT_THAT(got, ::testing::ElementsAre(2, 3, 5, 7, 5, 21));
  EXPECT_EQ(report.collectives, 6u);
}

TEST_P(EverySchedule, ABallotSeesThePredicatesOfItsMask) {
  std::vector<std::uint32_t> got(32);
  launch({.block = {32}}, schedule(), [&] {
    if (threadIdx.x < 16) got[threadIdx.x] = __ballot_sync(0xffffu, threadIdx.x % 2 == 0);
  });
  for (std::size_t lane = 0; lane < 16; ++lane) EXPECT_EQ(got[lane], 0x5555u);
}

TEST_P(EverySchedule, AtomicsLoseNothing) {
  int sum = 0;
  const Report report = launch({.grid = {7}, .block = {64}}, schedule(),
                               [&] { atomicAdd(&sum, static_cast<int>(threadIdx.x)); });
  EXPECT_TRUE(report.ok());
  EXPECT_EQ(sum, 7 * 64 * 63 / 2);
}

TEST_P(EverySchedule, ABarrierThatNotAllReachIsReported) {
  const Report report = launch(kTwoWarps, schedule(), [] {
    if (threadIdx.x >= 32) return;
    __syncthreads();
  });
  EXPECT_THAT(report.errors, Contains(HasSubstr("after threads of the block have exited")));
}

TEST_P(EverySchedule, DifferentBarriersMeetingAreReported) {
  const Report report = launch(kTwoWarps, schedule(), [] {
    if (threadIdx.x < 32) {
      __syncthreads();
    } else {
      __syncthreads();
    }
  });
  EXPECT_THAT(report.errors, Contains(HasSubstr("different __syncthreads")));
}

TEST_P(EverySchedule, AShuffleThatWaitsForAbsentLanesIsADeadlock) {
  const Report report = launch({.block = {32}}, schedule(), [] {
    if (threadIdx.x < 16) __shfl_xor_sync(~0u, 1, 1);
  });
  EXPECT_THAT(report.errors, Contains(HasSubstr("deadlock: 16 threads wait for a shuffle")));
}

TEST_P(EverySchedule, AShuffleFromOutsideItsMaskIsReported) {
  const Report report = launch({.block = {32}}, schedule(), [] {
    if (threadIdx.x < 16) __shfl_sync(0xffffu, 1, 20);
  });
  EXPECT_THAT(report.errors, Contains(HasSubstr("reads lane 20, which is not in its mask")));
}

TEST_P(EverySchedule, TooMuchSharedMemoryIsReported) {
  const Report report = launch({.block = {32}}, schedule(), [] {
    SB_SHARED(float, much, [kSharedLimit / 4 + 1]);
    much[threadIdx.x] = 0;
  });
  EXPECT_THAT(report.errors, Contains(HasSubstr("166916 bytes, more than 166912")));
}

// Neighbours read what a missing barrier may not have let the other warp write yet.
bool goes_wrong_without_barrier(const Schedule& schedule) {
  std::vector<float> got(64);
  launch(kTwoWarps, schedule, [&] {
    SB_SHARED(float, values, [64]);
    values[threadIdx.x] = 1;
    got[threadIdx.x] = values[threadIdx.x ^ 32];
  });
  return std::any_of(got.begin(), got.end(), [](float v) { return v != 1; });
}

TEST_P(EverySchedule, AMissingBarrierGivesAWrongAnswer) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    EXPECT_TRUE(goes_wrong_without_barrier(schedule(seed))) << "seed " << seed;
  }
}

// Memory is reused without a barrier: wrong only where one warp runs far ahead of the other.
bool goes_wrong_without_second_barrier(const Schedule& schedule) {
  std::vector<float> got(256);
  launch({.block = {256}}, schedule, [&] {
    SB_SHARED(float, values, [8]);
    const unsigned warp = threadIdx.x / 32;
    for (int round = 0; round < 2; ++round) {
      if (threadIdx.x % 32 == 0) values[warp] = static_cast<float>(round);
      __syncthreads();
      float sum = 0;
      for (int i = 0; i < 8; ++i) sum += __shfl_sync(~0u, values[i], 0);
      if (round == 0) got[threadIdx.x] = sum;
    }
  });
  return std::any_of(got.begin(), got.end(), [](float v) { return v != 0; });
}

TEST(Skewed, FindsTheReuseThatOtherSchedulesMiss) {
  int found = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    found += goes_wrong_without_second_barrier({.order = Order::kSkewed, .seed = seed});
  }
  EXPECT_GT(found, 0);
  EXPECT_FALSE(goes_wrong_without_second_barrier({.order = Order::kInOrder}));
}

TEST(Launch, RefusesWhatNoGpuTakes) {
  EXPECT_THROW(launch({.block = {1025}}, {}, [] {}), std::invalid_argument);
  EXPECT_THROW(launch({.grid = {1, 70000}}, {}, [] {}), std::invalid_argument);
  EXPECT_THROW(launch({.grid = {0}}, {}, [] {}), std::invalid_argument);
}

TEST(DeviceMemory, EndsAtAnInaccessiblePage) {
  auto* memory = static_cast<float*>(device_allocate(16));
  memory[3] = 1;
  EXPECT_DEATH(*static_cast<volatile float*>(memory + 4) = 1, "");
  device_free(memory);
}

}  // namespace
}  // namespace sb::simt
