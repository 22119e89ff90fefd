// nvcc's PTX of the TensorBLEU kernels: right, and every instruction of it executed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/ptx_proof.h"

namespace sb::tensor_bleu {
namespace {

using Given = std::map<std::string, std::string>;

void expect_right(int b, int s, int refs, int vocab, const Given& more = {},
                  const std::string& fill = "") {
  Given params = {{"b", std::to_string(b)},
                  {"s", std::to_string(s)},
                  {"refs", std::to_string(refs)},
                  {"vocab", std::to_string(vocab)}};
  for (const auto& [name, value] : more) params[name] = value;
  EXPECT_GT(sb::testing::expect_right_as_ptx({"tensor_bleu", params, fill, 1, Dtype::kI64}), 0);
}

TEST(Ptx, IsRightAndEveryInstructionIsExecuted) {
  expect_right(2, 9, 2, 5);
  expect_right(3, 23, 3, 9);
  // Rows of one to eight runs of 32 tokens: loops are unrolled four times. The last one's table
  // does not fit into shared memory.
  for (const int s : {33, 70, 100, 150, 230}) expect_right(1, s, 2, 50);
  expect_right(1, 2100, 1, 300);
  expect_right(1, 9, 20, 5);  // five trips over the references
  for (const int b : {33, 70, 100, 170, 230}) expect_right(b, 3, 1, 4);
  expect_right(170, 3, 1, 4, {{"weights", "uniform5"}});
  for (const char* method : {"method0", "method1", "method2", "method3", "method4"}) {
    // With many words longer n-grams match nowhere.
    for (const int vocab : {6, 40, 1000}) expect_right(5, 12, 2, vocab, {{"smoothing", method}});
  }
  for (const char* weights : {"uniform1", "uniform3", "uniform5", "decay4"}) {
    expect_right(3, 12, 2, 6, {{"weights", weights}});
  }
  expect_right(6, 3, 2, 3, {{"auto_reweigh", "true"}});
  const auto* op = Registry::instance().find_operation("tensor_bleu");
  for (const std::string& fill : op->fills()) expect_right(2, 150, 2, 7, {}, fill);
  EXPECT_THAT(
      sb::testing::unexecuted_instructions(
          {{"score_", "", 560, "logarithms of subnormal and infinite numbers, five times each"},
           {"number_ngrams", "", 66, "copies of the comparison that nvcc peels off a loop"},
           {"", "", 31, "tails after one to three trips in each copy of an unrolled loop"}}),
      ::testing::IsEmpty())
      << "of " << sb::testing::instructions_of_all_kernels();
}

}  // namespace
}  // namespace sb::tensor_bleu
