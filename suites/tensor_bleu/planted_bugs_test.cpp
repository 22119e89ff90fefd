// Every planted bug of the CUDA kernels of BLEU is caught, in every schedule of the fibers.
#include "suites/tensor_bleu/block_hash_call.cuh"
#include "suites/tensor_bleu/dense_table_call.cuh"
#include "suites/tensor_bleu/device_test.h"
#include "testing/schedules.h"

namespace sb::tensor_bleu {
namespace {

class PlantedBugs : public sb::testing::Scheduled {};

INSTANTIATE_TEST_SUITE_P(TensorBleu, PlantedBugs, sb::testing::every_schedule(),
                         sb::testing::name_of_schedule);

template <typename Prepare>
bool caught(Prepare prepare, int s = 150) {
  sb::testing::Case c("tensor_bleu", batch(3, s, 2, 5), "", 1, Dtype::kI64);
  return sb::testing::found_out(
      c, [&](const Problem& p) { return std::make_unique<DeviceKernel>(c.specs(), prepare(p)); });
}

TEST_P(PlantedBugs, AreCaught) {
  if (sb::testing::shows_missing_barriers(GetParam())) {
    EXPECT_TRUE(caught(block_hash_run<Bug::kNoBarrierBeforeLookup>));
  }
  if (simt::memory_is_checked()) {  // else it may number n-grams beyond the table
    EXPECT_TRUE(caught(dense_table_run<DenseBug::kNoBarrierInScan>, 20));
    EXPECT_TRUE(caught(dense_table_run<DenseBug::kFirstPlaceNotListed>, 20));
  }
  EXPECT_TRUE(caught(dense_table_run<DenseBug::kLastMergeLeftOut>, 20));
  EXPECT_TRUE(caught(dense_table_run<DenseBug::kLastReferenceLeftOut>, 20));
  EXPECT_TRUE(caught(dense_table_run<DenseBug::kFirstRowNotRead>, 20));
  EXPECT_TRUE(caught(dense_table_run<DenseBug::kFirstPairNotSorted>, 20));
  EXPECT_TRUE(caught(dense_table_run<DenseBug::kFirstCellNotCleared>, 20));
  EXPECT_TRUE(caught(dense_table_run<DenseBug::kFirstPlaceNotCounted>, 20));
  EXPECT_TRUE(caught(dense_table_run<DenseBug::kLastReferenceWins>, 20));
  EXPECT_TRUE(caught(dense_table_run<DenseBug::kLastNgramNotSummed>, 20));
  EXPECT_TRUE((caught(block_hash_run<Bug::kNone, ScoreBug::kLastSentenceNotScored>)));
  EXPECT_TRUE((caught(block_hash_run<Bug::kNone, ScoreBug::kLastSentenceNotSummed>)));
  EXPECT_FALSE(caught(dense_table_run<DenseBug::kNone>, 20));
  EXPECT_TRUE(caught(block_hash_run<Bug::kTokensNotCompared>));
  EXPECT_TRUE(caught(block_hash_run<Bug::kLastNgramDropped>));
  EXPECT_TRUE(caught(block_hash_run<Bug::kNotClipped>));
  EXPECT_FALSE(caught(block_hash_run<Bug::kNone>));
}

}  // namespace
}  // namespace sb::tensor_bleu
