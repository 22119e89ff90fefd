// nvcc's PTX of the attention kernels: right, and every instruction of it executed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "suites/attention/masked_stage.h"
#include "testing/ptx_proof.h"

namespace sb::attention {
namespace {

using Given = std::map<std::string, std::string>;

Given numbers(std::initializer_list<std::pair<const char*, int>> values) {
  Given params;
  for (const auto& [name, value] : values) params[name] = std::to_string(value);
  return params;
}

void expect_right(const std::string& op, Given params, Dtype dtype, const std::string& fill = "") {
  EXPECT_GT(sb::testing::expect_right_as_ptx({op, params, fill, 1, dtype}), 0);
}

// Three tiles of keys, the last not whole. Masks and groups of heads are numbers to a kernel, so
// one head size will do for them.
TEST(Ptx, OfFlashIsRight) {
  for (const Dtype dtype : {Dtype::kBf16, Dtype::kF16}) {
    for (const int d : {64, 80, 96, 128, 256}) {
      Given params = numbers({{"b", 1}, {"h", 1}, {"hkv", 1}, {"m", 67}, {"n", 150}, {"d", d}});
      params["causal"] = "bottom_right";
      params["lse"] = "true";
      expect_right("attention", params, dtype);
    }
  }
  for (const char* causal : {"none", "top_left"}) {
    Given params = numbers({{"b", 1}, {"h", 2}, {"hkv", 1}, {"m", 130}, {"n", 70}, {"d", 64}});
    params["causal"] = causal;
    expect_right("attention", params, Dtype::kBf16);
  }
}

TEST(Ptx, OfDecodingIsRight) {
  for (const Dtype dtype : {Dtype::kF32, Dtype::kBf16, Dtype::kF16}) {
    for (const int d : {64, 128, 256}) {
      const int n = d == 64 ? 260 : 132;  // a tile and four keys
      expect_right("attention_decode",
                   numbers({{"b", 1}, {"h", 1}, {"hkv", 1}, {"n", n}, {"d", d}}), dtype);
      // Two blocks of rows; out of reach of a fixed maximum.
      expect_right("attention_decode",
                   numbers({{"b", 1}, {"h", 5}, {"hkv", 1}, {"n", n}, {"d", d}}), dtype,
                   "large_scores");
    }
  }
}

TEST(Ptx, OfTheBackwardPassIsRight) {
  for (const Dtype dtype : {Dtype::kBf16, Dtype::kF16}) {
    for (const int d : {64, 80, 96, 128}) {
      Given params = numbers({{"b", 1}, {"h", 1}, {"hkv", 1}, {"m", 200}, {"n", 60}, {"d", d}});
      params["causal"] = "bottom_right";  // a block of rows that sees nothing
      expect_right("attention_backward", params, dtype);
      params = numbers({{"b", 1}, {"h", 2}, {"hkv", 1}, {"m", 60}, {"n", 200}, {"d", d}});
      params["causal"] = "top_left";  // a block of keys that nothing sees
      expect_right("attention_backward", params, dtype);
    }
  }
}

// Of standard attention only the launch between cuBLAS's products is ours. Nine trips of a thread:
// loops are unrolled four times.
TEST(Ptx, OfTheMaskedSoftmaxBetweenProductsIsRight) {
  const sb::testing::MixedSchedule mixed;
  for (const int arch : {80, 90}) {
    for (const Dtype dtype : {Dtype::kF32, Dtype::kBf16, Dtype::kF16}) {
      for (const int n : {5, 700, 1200, 2300}) {
        const MaskedStage stage = masked_stage(1, 2, n, n - 3, dtype, n != 5);
        EXPECT_EQ(fault_of(stage, masked_softmax_as_ptx(stage, arch)), "") << arch << " " << n;
      }
    }
  }
}

// Runs after the tests above.
TEST(Ptx, WasExecutedInstructionByInstruction) {
  EXPECT_THAT(
      sb::testing::unexecuted_instructions(
          {{"flash2_forward", "", 23, "ways past loops and rows that every case has"},
           {"backward_", "", 10, "as above"},
           {"decode_lean", "", 79, "a head's third range and further ones; ranges without keys"},
           {"decode_ranges", "", 60, "ranges without keys, of which there are none"},
           {"finish_decode", "", 32, "as above"},
           {"", "", 5, "ways past loops that every case enters"}}),
      ::testing::IsEmpty())
      << "of " << sb::testing::instructions_of_all_kernels();
}

}  // namespace
}  // namespace sb::attention
