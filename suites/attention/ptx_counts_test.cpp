// What the attention kernels ask of memory and of the tensor cores, counted on nvcc's PTX.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/ptx_proof.h"

namespace sb::attention {
namespace {

using sb::testing::Case;

// Enough queries and keys that neither memory nor a block's first and last steps count.
std::map<std::string, double> flash2_figures(const char* d, Isa isa) {
  return sb::testing::figures_of(Case("attention",
                                      {{"b", "1"},
                                       {"h", "1"},
                                       {"hkv", "1"},
                                       {"m", "1024"},
                                       {"n", "1024"},
                                       {"d", d},
                                       {"causal", "none"}},
                                      "", 1, Dtype::kBf16),
                                 "flash2", isa);
}

TEST(PtxCounts, Flash2HasNoBankConflicts) {
  for (const Isa isa : {Isa::kCompute80, Isa::kCompute90}) {
    for (const char* d : {"64", "128"}) {
      auto figures = flash2_figures(d, isa);
      EXPECT_EQ(figures["shared_wavefronts"], figures["shared_wavefronts_ideal"]) << d;
    }
  }
}

TEST(PtxCounts, Flash2LeavesTheTensorCoresTheirShare) {
  for (const char* d : {"64", "128"}) {
    EXPECT_GE(flash2_figures(d, Isa::kCompute80)["tensor_peak_share"], 0.8) << d;
    EXPECT_GE(flash2_figures(d, Isa::kCompute90)["tensor_peak_share"], 0.6) << d;
  }
}

TEST(MachineCode, HasNoLocalMemoryAndUsesTensorCoresAnd16ByteCopies) {
  EXPECT_THAT(sb::testing::machine_code_faults({{"flash2_forward", "HMMA"},
                                                {"flash2_forward", "LDSM"},
                                                {"flash2_forward", "LDGSTS.128"},
                                                {"backward_keys", "HMMA"},
                                                {"backward_queries", "HMMA"},
                                                {"decode_ranges", "LDG.128"}}),
              ::testing::IsEmpty());
}

}  // namespace
}  // namespace sb::attention
