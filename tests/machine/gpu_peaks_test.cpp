// Ceilings of a GPU that is made up: a launch of its only load takes 100 us.
#include "machine/gpu_peaks.h"

#include <gtest/gtest.h>

#include "tests/fake_gpu.h"

namespace sb {
namespace {

GpuLoad load_of(FakeGpu& gpu) {
  return {.roof = {.id = "gpu/mem/read", .level = "mem", .kind = "read", .device = "cuda"},
          .amount = 1e6,
          .enqueue = [&gpu] { gpu.call(); }};
}

TEST(GpuPeaks, AreBytesOfALaunchOverItsTime) {
  FakeGpu gpu;
  const std::vector<Roof> roofs = measure_gpu_roofs(gpu, {load_of(gpu)}, true);
  ASSERT_EQ(roofs.size(), 1u);
  EXPECT_EQ(roofs[0].id, "gpu/mem/read");
  EXPECT_DOUBLE_EQ(roofs[0].value, 1e10);
  EXPECT_EQ(roofs[0].source, "measured");
}

TEST(GpuPeaks, LeaveOutSamplesThatWereThrottled) {
  FakeGpu gpu;
  gpu.clocks = std::vector<double>(12, 100);  // beyond warm-up and calibration
  const std::vector<Roof> roofs = measure_gpu_roofs(gpu, {load_of(gpu)}, true, {.recovery_s = 0});
  EXPECT_DOUBLE_EQ(roofs[0].lo, 1e10);
}

TEST(GpuPeaks, AreFilledUpWithDeclaredOnesWhereNoneWasMeasured) {
  const Roof of_cpu{.id = "mem/read/t1", .level = "mem", .kind = "read", .value = 1};
  const Roof of_gpu{
      .id = "gpu/mem/copy", .level = "mem", .kind = "copy", .value = 2, .device = "cuda"};
  const Roof memory{.id = "mem/triad/t1",
                    .level = "mem",
                    .kind = "triad",
                    .value = 3,
                    .source = "declared",
                    .device = ""};
  const Roof tensor{.id = "mma/cuda/f16/t1",
                    .is_flops = true,
                    .kind = "mma",
                    .isa = "cuda",
                    .dtype = "f16",
                    .value = 4,
                    .source = "declared",
                    .device = ""};
  Peaks peaks{.roofs = {of_cpu, of_gpu}};
  const Peaks declared{.roofs = {memory, tensor}};
  add_declared(declared, peaks);
  EXPECT_EQ(peaks.roofs.size(), 3u) << "memory of the GPU was measured, of the CPU does not count";
  ASSERT_NE(peaks.find("gpu/mma/cuda/f16/t1"), nullptr);
  EXPECT_EQ(peaks.find("gpu/mma/cuda/f16/t1")->device, "cuda");
  EXPECT_EQ(peaks.find("gpu/mma/cuda/f16/t1")->source, "declared");
}

TEST(GpuPeaks, KnowWhichDeclaredMachineAGpuIs) {
  EXPECT_TRUE(names_gpu("h100", "NVIDIA H100 80GB HBM3"));
  EXPECT_TRUE(names_gpu("a100", "NVIDIA A100-SXM4-80GB"));
  EXPECT_FALSE(names_gpu("a10", "NVIDIA A100-SXM4-80GB"));
  EXPECT_FALSE(names_gpu("h100", ""));
}

}  // namespace
}  // namespace sb
