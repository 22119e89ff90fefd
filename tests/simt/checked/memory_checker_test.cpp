// What the memory checker reports in every schedule, though the answers may come out right; and
// that it keeps quiet about sound kernels. Compiled with -fsanitize=thread, see tests/CMakeLists.
#include "simt/memory_checker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "simt/cuda_language.h"

namespace sb::simt {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr LaunchShape kTwoWarps = {.grid = {1}, .block = {64}};

class EverySchedule : public ::testing::TestWithParam<Order> {
 protected:
  EverySchedule() : x_(static_cast<int*>(device_allocate(64 * sizeof(int)))) {}
  ~EverySchedule() override { device_free(x_); }
  std::vector<std::string> errors_of(const LaunchShape& shape,
                                     const std::function<void()>& kernel) const {
    return launch(shape, {.order = GetParam()}, kernel).errors;
  }
  int* x_;
};

INSTANTIATE_TEST_SUITE_P(Checked, EverySchedule, ::testing::ValuesIn(kAllOrders),
                         [](const auto& order) { return std::string(name_of(order.param)); });

TEST_P(EverySchedule, ABarrierMakesSharedMemorySound) {
  EXPECT_THAT(errors_of(kTwoWarps,
                        [x = x_] {
                          SB_SHARED(int, s, [64]);
                          s[threadIdx.x] = 1;
                          __syncthreads();
                          x[threadIdx.x] = s[63 - threadIdx.x];
                        }),
              IsEmpty());
}

TEST_P(EverySchedule, AMissingBarrierIsARace) {
  EXPECT_THAT(errors_of(kTwoWarps,
                        [x = x_] {
                          SB_SHARED(int, s, [64]);
                          s[threadIdx.x] = 1;
                          x[threadIdx.x] = s[threadIdx.x ^ 32];
                        }),
              Contains(::testing::AnyOf(HasSubstr("shared memory: race"),
                                        HasSubstr("of what nobody wrote"))));
}

// Two barriers are needed; without the second the answer is right in three of four schedules.
TEST_P(EverySchedule, ReuseWithoutABarrierIsARace) {
  EXPECT_THAT(errors_of(kTwoWarps,
                        [x = x_] {
                          SB_SHARED(int, s, [1]);
                          for (int round = 0; round < 2; ++round) {
                            if (threadIdx.x == 0) s[0] = round;
                            __syncthreads();
                            x[threadIdx.x] = s[0];
                          }
                        }),
              Contains(HasSubstr("shared memory: race")));
}

TEST_P(EverySchedule, AShuffleIsNoFence) {
  EXPECT_THAT(errors_of({.block = {32}},
                        [x = x_] {
                          SB_SHARED(int, s, [1]);
                          if (threadIdx.x == 0) s[0] = 1;
                          __shfl_sync(~0u, 1, 0);
                          x[threadIdx.x] = s[0];
                        }),
              Contains(HasSubstr("shared memory: race")));
}

TEST_P(EverySchedule, ASyncWarpIsOneForItsLanes) {
  EXPECT_THAT(errors_of({.block = {32}},
                        [x = x_] {
                          SB_SHARED(int, s, [1]);
                          if (threadIdx.x == 0) s[0] = 1;
                          __syncwarp();
                          x[threadIdx.x] = s[0];
                        }),
              IsEmpty());
}

TEST_P(EverySchedule, UnwrittenSharedMemoryIsReported) {
  EXPECT_THAT(errors_of({.block = {32}},
                        [x = x_] {
                          SB_SHARED(int, s, [32]);
                          x[threadIdx.x] = s[threadIdx.x];
                        }),
              Contains(HasSubstr("of what nobody wrote")));
}

TEST_P(EverySchedule, AccessOutOfBoundsIsReportedAndNotDone) {
  EXPECT_THAT(errors_of(kTwoWarps, [x = x_] { x[threadIdx.x + 1] = 0; }),
              Contains(HasSubstr("global memory: a write at")));
  EXPECT_THAT(errors_of(kTwoWarps,
                        [] {
                          SB_SHARED(int, s, [64]);
                          s[threadIdx.x + 1] = 0;
                        }),
              Contains(HasSubstr("shared memory: a write at")));
}

TEST_P(EverySchedule, BlocksThatWriteOnePlaceAreARace) {
  EXPECT_THAT(errors_of({.grid = {2}, .block = {32}}, [x = x_] { x[threadIdx.x] = 1; }),
              Contains(HasSubstr("write after write in different blocks")));
  EXPECT_THAT(errors_of({.grid = {2}, .block = {32}}, [x = x_] { atomicAdd(&x[threadIdx.x], 1); }),
              IsEmpty());
}

// Block 0 writes, sets a flag; block 1 waits for it, reads, and lowers it again.
std::vector<std::string> errors_of_a_flag(Order order, bool barrier_before, bool acquire) {
  auto* const x = static_cast<int*>(device_allocate(32 * sizeof(int)));
  auto* const flag = static_cast<unsigned*>(device_allocate(sizeof(unsigned)));
  *flag = 0;
  const Report report =
      launch({.grid = {2}, .block = {32}, .together = true}, {.order = order}, [=] {
        if (blockIdx.x == 0) {
          x[threadIdx.x] = static_cast<int>(threadIdx.x);
          if (barrier_before) __syncthreads();
          if (threadIdx.x == 0) sb_store_release(flag, 1u);
        } else {
          if (acquire && threadIdx.x == 0) {
            while (sb_load_acquire(flag) == 0) {
            }
            sb_store_release(flag, 0u);
          }
          __syncthreads();
          SB_SHARED(int, s, [32]);
          s[threadIdx.x] = x[31 - threadIdx.x];
        }
      });
  device_free(x);
  device_free(flag);
  return report.errors;
}

TEST_P(EverySchedule, AFlagOrdersBlocks) {
  EXPECT_THAT(errors_of_a_flag(GetParam(), true, true), IsEmpty());
}

TEST_P(EverySchedule, AFlagWithoutBarrierOrAcquireIsARace) {
  EXPECT_THAT(errors_of_a_flag(GetParam(), false, true),
              Contains(HasSubstr("in different blocks")));
  EXPECT_THAT(errors_of_a_flag(GetParam(), true, false),
              Contains(HasSubstr("in different blocks")));
}

TEST_P(EverySchedule, AHostPointerIsReported) {
  int on_host[64] = {};
  EXPECT_THAT(errors_of(kTwoWarps, [p = on_host] { p[threadIdx.x] = 1; }),
              Contains(HasSubstr("host memory: a write")));
}

}  // namespace
}  // namespace sb::simt
