// What the GR-KAN kernels ask of memory, counted on nvcc's PTX.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/ptx_proof.h"

namespace sb::gr_kan {
namespace {

// Enough rows that a block's partial sums do not count; the coefficients of a group fit any cache.
std::map<std::string, double> backward_figures(const char* variant) {
  return sb::testing::figures_of(
      {"gr_kan_backward", {{"rows", "8192"}, {"d", "64"}, {"groups", "1"}}}, variant,
      Isa::kCompute80);
}

TEST(PtxCounts, PersistentMovesTheCompulsoryBytesWithoutAtomics) {
  auto figures = backward_figures("persistent");
  EXPECT_LE(figures["block_bytes_over_compulsory"], 1.02);
  EXPECT_EQ(figures["atomics"], 0);
}

TEST(MachineCode, HasNoLocalMemory) {
  EXPECT_THAT(sb::testing::machine_code_faults({}), ::testing::IsEmpty());
}

}  // namespace
}  // namespace sb::gr_kan
