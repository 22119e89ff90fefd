// What the TensorBLEU kernels ask of memory, counted on nvcc's PTX.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/ptx_proof.h"

namespace sb::tensor_bleu {
namespace {

double sectors(const char* variant, const char* b) {
  return sb::testing::figures_of(
      {"tensor_bleu", {{"b", b}, {"s", "32"}, {"refs", "2"}, {"vocab", "50"}}, "", 1, Dtype::kI64},
      variant, Isa::kCompute80)["global_sectors"];
}

TEST(PtxCounts, BlockHashMovesBytesInProportionToTheBatchAndDenseTableMore) {
  EXPECT_NEAR(sectors("block_hash", "64") / sectors("block_hash", "32"), 2, 0.1);
  EXPECT_GT(sectors("dense_table", "64") / sectors("dense_table", "32"), 2.5);
}

TEST(MachineCode, HasNoLocalMemory) {
  EXPECT_THAT(sb::testing::machine_code_faults({}), ::testing::IsEmpty());
}

}  // namespace
}  // namespace sb::tensor_bleu
