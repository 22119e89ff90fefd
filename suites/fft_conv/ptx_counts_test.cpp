// What the FFT convolution kernels ask of memory, counted on nvcc's PTX.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/ptx_proof.h"

namespace sb::fft_conv {
namespace {

// Every block asking for a sector once, over the compulsory bytes: signals and taps. On a GPU that
// has no more multiprocessors than there are channels: else several blocks read a channel's taps.
// Matrices and roots, 3 to 13 KiB a block, come besides, so a block needs some sequences; a paper's
// batch is 64.
double bytes_over_compulsory(int b, int n, const char* spectrum = "inside") {
  const sb::testing::OneMultiprocessor small;
  return sb::testing::figures_of(
      {"fft_conv",
       {{"b", std::to_string(b)}, {"h", "1"}, {"n", std::to_string(n)}, {"spectrum", spectrum}},
       "normal(0,1)"},
      "monarch", Isa::kCompute80)["block_bytes_over_compulsory"];
}

TEST(PtxCounts, MonarchMovesTheCompulsoryBytes) {
  EXPECT_LE(bytes_over_compulsory(64, 256), 1.05);
  EXPECT_LE(bytes_over_compulsory(32, 1024), 1.05);
  EXPECT_LE(bytes_over_compulsory(4, 4096), 1.05);
  EXPECT_LE(bytes_over_compulsory(1, 32768), 1.05);
  EXPECT_LE(bytes_over_compulsory(2, 32768, "cached"), 1.05);
}

TEST(MachineCode, HasTensorInstructionsAndNoLocalMemory) {
  EXPECT_THAT(sb::testing::machine_code_faults({{"monarch_convolve", "HMMA"},
                                                {"monarch_convolve_held", "HMMA"},
                                                {"monarch_backward", "HMMA"},
                                                {"monarch_sum", "HMMA"},
                                                {"staged_outer", "HMMA"},
                                                {"staged_inner", "HMMA"},
                                                {"monarch_convolve", "LDG.128"}}),
              ::testing::IsEmpty());
}

}  // namespace
}  // namespace sb::fft_conv
