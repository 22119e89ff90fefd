// Every decision about a sample on a GPU, with a device that is made up.
#include "measure/gpu_sampling.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>

#include "tests/fake_gpu.h"

namespace sb {
namespace {

using ::testing::HasSubstr;

struct FakeWork final : DeviceWork {
  explicit FakeWork(FakeGpu& on) : gpu(on) {}
  void enqueue(const Operands& operands, void* stream) override {
    EXPECT_EQ(stream, &gpu);
    ++calls_by_set[operands.get<void>(0)];
    gpu.call();
  }
  FakeGpu& gpu;
  std::map<void*, int> calls_by_set;
};

OperandSet operands_of(std::int64_t floats) {
  return OperandSet(
      {{.name = "x", .dims = {floats}}, {.name = "y", .dims = {floats}, .role = Role::kOutput}});
}

class GpuSampling : public ::testing::Test {
 protected:
  // Two warm-up samples of one call, then what follows is for the clock.
  GpuContestant& warm_contestant(CacheState state = CacheState::kWarm,
                                 std::int64_t iterations = 4) {
    master_.emplace(operands_of(16));
    operands_.emplace(gpu, *master_, state);
    timing.throttle.recovery_s = 0;
    contestant_.emplace(gpu, work, *operands_, timing);
    contestant_->sample_ns(1);
    warm_up_log = gpu.log;
    contestant_->warmed_up(iterations, gpu.call_ns);
    gpu.log.clear();
    return *contestant_;
  }

  FakeGpu gpu;
  FakeWork work{gpu};
  GpuTiming timing;
  std::string warm_up_log;

 private:
  std::optional<OperandSet> master_;
  std::optional<GpuOperands> operands_;
  std::optional<GpuContestant> contestant_;
};

TEST_F(GpuSampling, EnqueuesCallsBehindABlockingKernelAndReleasesThemBeforeItWaits) {
  GpuContestant& contestant = warm_contestant();
  EXPECT_EQ(contestant.sample_ns(3), 3e5);
  EXPECT_EQ(gpu.log, "b(kkkr)w");
  EXPECT_EQ(contestant.timer(), "cuda events behind a blocking kernel");
}

TEST_F(GpuSampling, NeverBlocksDuringWarmUp) {
  warm_contestant();
  EXPECT_EQ(warm_up_log, "(kr)w");
}

TEST_F(GpuSampling, ReleasesBeforeTheLaunchQueueIsFull) {
  timing.calls_ahead = 2;
  warm_contestant().sample_ns(5);
  EXPECT_EQ(gpu.log, "b(kkrkkk)w");
}

TEST_F(GpuSampling, KeepsOneCallBehindTheBlockWhereMoreFillTheLaunchQueue) {
  gpu.queue = 3;
  GpuContestant& contestant = warm_contestant();
  EXPECT_EQ(contestant.sample_ns(4), 4e5);
  EXPECT_EQ(gpu.log, "b(kkkkr)wb(krkkk)w");
  EXPECT_EQ(contestant.timer(), "cuda events behind a blocking kernel");
}

TEST_F(GpuSampling, GivesTheBlockingKernelALimitFromWhatEnqueuingTook) {
  warm_contestant().sample_ns(1);
  EXPECT_EQ(gpu.limit, 0.5);
  EXPECT_EQ(block_limit_s(0), 0.5);
  EXPECT_DOUBLE_EQ(block_limit_s(0.02), 2);
  EXPECT_EQ(block_limit_s(60), 10);
}

TEST_F(GpuSampling, ThrowsAwayASampleWhoseBlockExpiredAndSaysThatItBlocksNoMore) {
  gpu.waits_for_host = true;
  GpuContestant& contestant = warm_contestant();
  EXPECT_EQ(contestant.sample_ns(2), 2e5);
  EXPECT_EQ(gpu.log, "b(kkr)wb(krk)w(krk)w");
  EXPECT_THAT(contestant.timer(), HasSubstr("not blocked: the work waits for the device"));
  EXPECT_EQ(contestant.rejected(), 0);
}

TEST_F(GpuSampling, TakesAThrottledSampleAgainAndCountsIt) {
  GpuContestant& contestant = warm_contestant();
  gpu.clocks = {700, 749, 751};
  contestant.sample_ns(2);
  EXPECT_EQ(gpu.log, "b(kkr)wb(kkr)wb(kkr)w");
  EXPECT_EQ(contestant.rejected(), 2);
}

TEST_F(GpuSampling, FailsWithTheClockWhereTheGpuStaysThrottled) {
  timing.throttle.most_rejected = 3;
  GpuContestant& contestant = warm_contestant();
  gpu.clocks = {500, 500, 500, 1000};
  try {
    contestant.sample_ns(2);
    FAIL() << "a throttled sample was accepted";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("3 samples in a row ran at 500 of 1000 MHz"));
  }
}

TEST_F(GpuSampling, DoesNotJudgeAClockThatItCannotKnow) {
  const ThrottleRule rule;
  EXPECT_TRUE(throttled({.ns = 1e6, .clock_mhz = 700}, 1000, rule));
  EXPECT_FALSE(throttled({.ns = 1e6, .clock_mhz = 750}, 1000, rule));
  EXPECT_FALSE(throttled({.ns = 1e6, .clock_mhz = 0}, 1000, rule)) << "two multiprocessors";
  EXPECT_FALSE(throttled({.ns = 1e4, .clock_mhz = 700}, 1000, rule)) << "the timer is too coarse";
  EXPECT_FALSE(throttled({.ns = 1e6, .clock_mhz = 700}, 0, rule)) << "no declared clock";
}

TEST_F(GpuSampling, ReplaysShortKernelsAsAGraphAndSaysSo) {
  gpu.call_ns = 2e3;
  GpuContestant& contestant = warm_contestant(CacheState::kWarm, 1000);
  EXPECT_DOUBLE_EQ(contestant.sample_ns(1000), 1000 * 2e3) << "brought back to 1000 calls";
  EXPECT_EQ(gpu.calls_in_graph, 64);
  EXPECT_EQ(gpu.log, "b(" + std::string(16, 'g') + "r)w");
  EXPECT_EQ(contestant.timer(), "cuda events around graphs of 64 calls behind a blocking kernel");
}

TEST_F(GpuSampling, TimesShortKernelsThatCannotBeRecordedAsTheyAre) {
  gpu.call_ns = 2e3;
  gpu.records = false;
  GpuContestant& contestant = warm_contestant();
  contestant.sample_ns(2);
  EXPECT_EQ(gpu.log, "b(kkr)w");
  EXPECT_EQ(contestant.timer(), "cuda events behind a blocking kernel");
}

TEST_F(GpuSampling, ColdCallsGoThroughMoreSetsThanTheSecondLevelHolds) {
  gpu.info_.l2_bytes = 4096;  // sets of 512 bytes
  warm_contestant(CacheState::kCold).sample_ns(11);
  EXPECT_EQ(work.calls_by_set.size(), 11u);
}

TEST_F(GpuSampling, ColdCallsOnTinyOperandsAreFlushedAndTimedOneByOne) {
  gpu.info_.l2_bytes = std::int64_t{64} << 20;
  GpuContestant& contestant = warm_contestant(CacheState::kCold);
  EXPECT_EQ(contestant.sample_ns(2), 2e5);
  EXPECT_EQ(gpu.log, "fb(k)rwfb(k)rw");
  EXPECT_THAT(contestant.timer(), HasSubstr("L2 flushed before each call"));
}

TEST_F(GpuSampling, ReleasesTheStreamWhenAKernelThrows) {
  GpuContestant& contestant = warm_contestant();
  gpu.lost = true;
  EXPECT_THROW(contestant.sample_ns(1), DeviceLost);
  EXPECT_EQ(gpu.log.back(), 'r');
}

TEST(GpuCachePlan, RotatesWhereItCanAndFlushesWhereItMust) {
  constexpr std::int64_t kMiB = 1 << 20;
  const auto plan = [](CacheState state, std::int64_t set, std::int64_t free) {
    return plan_gpu_cache(state, set, 40 * kMiB, free);
  };
  EXPECT_EQ(plan(CacheState::kWarm, kMiB, 1000 * kMiB).sets, 1);
  EXPECT_EQ(plan(CacheState::kCold, kMiB, 1000 * kMiB).sets, 51);
  EXPECT_FALSE(plan(CacheState::kCold, kMiB, 1000 * kMiB).flush);
  EXPECT_EQ(plan(CacheState::kCold, 400 * kMiB, 2000 * kMiB).sets, 2) << "the other one evicts";
  EXPECT_TRUE(plan(CacheState::kCold, 400 * kMiB, 500 * kMiB).flush) << "no room for two";
  EXPECT_TRUE(plan(CacheState::kCold, 512, 1000 * kMiB).flush) << "too many sets";
  EXPECT_TRUE(plan(CacheState::kColdOutput, 512, 1000 * kMiB).lukewarm)
      << "a flush would take the inputs out";
}

TEST(GpuOperands, ShareTheInputsOfColdOutputAndAreFreedWithTheirOwner) {
  FakeGpu gpu;
  gpu.info_.l2_bytes = 1024;
  OperandSet master = operands_of(64);  // 256 bytes each
  master.operands().get<float>(0)[63] = 7;
  {
    const GpuOperands operands(gpu, master, CacheState::kColdOutput);
    ASSERT_EQ(operands.sets().size(), 6u);
    EXPECT_EQ(operands.sets()[0].get<float>(0), operands.sets()[5].get<float>(0));
    EXPECT_NE(operands.sets()[0].get<float>(1), operands.sets()[5].get<float>(1));
    EXPECT_EQ(operands.sets()[5].get<float>(0)[63], 7);
    EXPECT_EQ(gpu.allocations, 1);
  }
  EXPECT_EQ(gpu.allocations, 0);
}

TEST(LosesDevice, KnowsStickyErrorsFromRefusals) {
  for (const int sticky : {214, 700, 702, 710, 716, 719})
    EXPECT_TRUE(loses_device(sticky)) << sticky;
  // Out of memory, invalid value, launch out of resources, peer access, no device.
  for (const int refusal : {1, 2, 100, 701, 704, 720})
    EXPECT_FALSE(loses_device(refusal)) << refusal;
}

}  // namespace
}  // namespace sb
