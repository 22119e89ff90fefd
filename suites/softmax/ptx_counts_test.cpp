// What the softmax kernels ask of memory, counted on nvcc's PTX.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/ptx_proof.h"

namespace sb::softmax {
namespace {

using sb::testing::Case;

TEST(PtxCounts, RowsInRegistersAreReadOnceAndWrittenOnce) {
  for (const Isa isa : {Isa::kCompute80, Isa::kCompute90}) {
    for (const Dtype dtype : {Dtype::kF32, Dtype::kBf16}) {
      const Case block("softmax", {{"rows", "2"}, {"cols", "8192"}}, "", 1, dtype);
      const Case warp("softmax", {{"rows", "8"}, {"cols", "1024"}}, "", 1, dtype);
      for (auto figures : {sb::testing::figures_of(block, "block_resident", isa),
                           sb::testing::figures_of(warp, "warp_per_row", isa)}) {
        EXPECT_EQ(figures["global_bytes_over_compulsory"], 1.0);
        EXPECT_EQ(figures["shared_wavefronts"], figures["shared_wavefronts_ideal"]);
        EXPECT_EQ(figures["atomics"], 0);
      }
    }
  }
}

TEST(MachineCode, HasNoLocalMemoryAndLoads16BytesAtATime) {
  EXPECT_THAT(sb::testing::machine_code_faults({{"block_resident", "LDG.128"},
                                                {"block_resident", "STG.128"},
                                                {"warp_per_row", "LDG.128"},
                                                {"warp_per_row", "STG.128"},
                                                {"online<", "LDG.128"}}),
              ::testing::IsEmpty());
}

}  // namespace
}  // namespace sb::softmax
