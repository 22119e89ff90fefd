// nvcc's PTX of the softmax kernels: right, and every instruction of it executed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/ptx_proof.h"

namespace sb::softmax {
namespace {

using sb::testing::Case;

// Both operations, all types; rows that begin at multiples of 16 bytes, and rows that do not.
void expect_all_forms_right(std::int64_t rows, std::int64_t cols, const std::string& fill = "") {
  for (const char* op : {"softmax", "log_softmax"}) {
    for (const Dtype dtype : {Dtype::kF32, Dtype::kBf16, Dtype::kF16}) {
      for (const std::int64_t stride : {(cols + 7) / 8 * 8, (cols + 8) / 8 * 8 + 1}) {
        const std::map<std::string, std::string> params = {{"rows", std::to_string(rows)},
                                                           {"cols", std::to_string(cols)},
                                                           {"stride", std::to_string(stride)}};
        EXPECT_GT(sb::testing::expect_right_as_ptx({op, params, fill, 1, dtype}), 0);
      }
    }
  }
}

TEST(Ptx, IsRightAndEveryInstructionIsExecuted) {
  // Each form of warp_per_row and block_resident by its columns, rows that end in each group of its
  // threads' registers, tails that miss 16 bytes.
  for (const std::int64_t cols : {7, 125, 126, 127, 250, 509, 638, 765, 894, 1023})
    expect_all_forms_right(2, cols);
  for (const std::int64_t cols : {2045, 2046, 3070, 4095, 5117, 6142, 7167, 8189}) {
    expect_all_forms_right(1, cols);
    if (cols > 2046) expect_all_forms_right(1, 4 * cols + 3);
  }
  for (const char* fill : {"half_masked", "one_inf", "one_nan", "steep"}) {
    expect_all_forms_right(1, 125, fill);
  }
  EXPECT_THAT(
      sb::testing::unexecuted_instructions(
          {{"block_resident", "", 23, "tails of 16 bytes in each copy of an unrolled loop"},
           {"warp_per_row", "", 35, "as above"},
           {"write_pieces", "", 126,
            "rows of more than 32 pieces, 262144 elements: on fibers only; tails as above"},
           {"sum_pieces", "", 20, "a scale that changes within a thread's share: on fibers only"},
           {"", "", 15,
            "tails end after one, two or three elements in any copy of an unrolled loop"}}),
      ::testing::IsEmpty())
      << "of " << sb::testing::instructions_of_all_kernels();
}

}  // namespace
}  // namespace sb::softmax
