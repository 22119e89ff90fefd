// nvcc's PTX of the GR-KAN kernels: right, and every instruction of it executed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/ptx_proof.h"

namespace sb::gr_kan {
namespace {

int expect_right(const std::string& op, int rows, int d, int groups,
                 const std::string& numerator = "per_group") {
  return sb::testing::expect_right_as_ptx({op,
                                           {{"rows", std::to_string(rows)},
                                            {"d", std::to_string(d)},
                                            {"groups", std::to_string(groups)},
                                            {"numerator", numerator},
                                            {"coefficients", "random"}}});
}

TEST(Ptx, IsRightAndEveryInstructionIsExecuted) {
  for (const char* op : {"gr_kan", "gr_kan_backward"}) {
    EXPECT_GT(expect_right(op, 3, 8, 4), 0);
    expect_right(op, 65, 48, 2);          // a tile and a row; six trips through a tile
    expect_right(op, 64 * 64 + 1, 2, 1);  // persistent blocks walk over two tiles
  }
  expect_right("gr_kan", 65, 48, 2, "shared");
  // Five partial rows, of which four are added at a time; groups added up in between.
  for (const char* numerator : {"per_group", "shared"}) {
    expect_right("gr_kan_backward", 64 * 5, 6, 3, numerator);
  }
  EXPECT_THAT(
      sb::testing::unexecuted_instructions(
          {{"backward_atomic", "", 2, "a second trip takes a million elements"},
           {"forward_elements", "", 2, "a second trip takes a million elements"},
           {"backward_persistent", "", 11, "a block without rows, of which there is none"},
           {"write_coefficients", "", 23, "the ways past loops over no parts and over one group"}}),
      ::testing::IsEmpty())
      << "of " << sb::testing::instructions_of_all_kernels();
}

}  // namespace
}  // namespace sb::gr_kan
