// nvcc's PTX of the GR-KAN kernels: right, and every instruction of it executed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/ptx_proof.h"

namespace sb::gr_kan {
namespace {

int expect_right(const std::string& op, int rows, int d, int groups,
                 const std::string& numerator = "grouped") {
  return sb::testing::expect_right_as_ptx({op,
                                           {{"rows", std::to_string(rows)},
                                            {"d", std::to_string(d)},
                                            {"groups", std::to_string(groups)},
                                            {"numerator", numerator}}});
}

TEST(Ptx, IsRightAndEveryInstructionIsExecuted) {
  for (const char* op : {"gr_kan", "gr_kan_backward"}) {
    EXPECT_GT(expect_right(op, 3, 8, 4), 0);
    expect_right(op, 3, 8, 4, "shared");
    expect_right(op, 65, 48, 2);              // a tile and a row; six trips through a tile
    expect_right(op, 64 * 64 * 5 + 1, 2, 1);  // persistent blocks walk over several tiles
  }
  EXPECT_THAT(sb::testing::unexecuted_instructions({}), ::testing::IsEmpty())
      << "of " << sb::testing::instructions_of_all_kernels();
}

}  // namespace
}  // namespace sb::gr_kan
