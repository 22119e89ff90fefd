// The CUDA kernels of BLEU on fibers: right in four schedules, planted bugs caught.
#include <gtest/gtest.h>

#include <stdexcept>

#include "simt/launch.h"
#include "suites/tensor_bleu/block_hash_call.cuh"
#include "suites/tensor_bleu/dense_table_call.cuh"
#include "testing/check_case.h"

namespace sb::tensor_bleu {
namespace {

using sb::testing::Case;
using Given = std::map<std::string, std::string>;

Given batch(int b, int s, int refs, int vocab, const Given& more = {}) {
  Given params = {{"b", std::to_string(b)},
                  {"s", std::to_string(s)},
                  {"refs", std::to_string(refs)},
                  {"vocab", std::to_string(vocab)}};
  for (const auto& [name, value] : more) params[name] = value;
  return params;
}

class EverySchedule : public ::testing::TestWithParam<simt::Order> {
 protected:
  EverySchedule() : before_(simt::current_schedule()) { use(1); }
  ~EverySchedule() override { simt::current_schedule() = before_; }
  static void use(std::uint64_t seed) {
    simt::current_schedule() = {.order = GetParam(), .seed = seed};
  }

  static void expect_right(const char* variant, const Given& params, const std::string& fill = "") {
    Case c("tensor_bleu", params, fill, 1, Dtype::kI64);
    int ran = 0;
    for (const Variant* v : Registry::instance().variants_of("tensor_bleu")) {
      if (v->device != Device::kSimt || v->name != variant) continue;
      ASSERT_EQ(why_not(*v, c.problem()), "");
      c.run(*v);
      ++ran;
      EXPECT_EQ(c.fault(), "") << v->full_name() << " " << c.problem().params.text();
    }
    EXPECT_EQ(ran, 1) << variant;
  }

 private:
  simt::Schedule before_;
};

INSTANTIATE_TEST_SUITE_P(TensorBleu, EverySchedule, ::testing::ValuesIn(simt::kAllOrders),
                         [](const auto& order) { return std::string(name_of(order.param)); });

TEST_P(EverySchedule, SmallBatchesAreRightForManySeeds) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    use(seed);
    expect_right("block_hash", batch(2, 9, 2, 5));
  }
}

// 128 threads go round 700 places six times; six references; a warp goes round 170 sentences six
// times; a table that shared memory does not hold.
TEST_P(EverySchedule, LoopsOfFiveTripsAreRight) {
  expect_right("block_hash", batch(1, 700, 6, 50));
  expect_right("block_hash", batch(170, 3, 1, 4));
  expect_right("block_hash", batch(2, 2100, 1, 300));
}

TEST_P(EverySchedule, EveryFillIsRight) {
  const auto* op = Registry::instance().find_operation("tensor_bleu");
  for (const std::string& fill : op->fills()) expect_right("block_hash", batch(5, 23, 3, 9), fill);
}

TEST_P(EverySchedule, EverySmoothingAndWeightingThatIsBuiltIsRight) {
  for (const char* method : {"method0", "method1", "method2", "method3", "method4"}) {
    expect_right("block_hash", batch(5, 12, 2, 6, {{"smoothing", method}}));
  }
  for (const char* weights : {"uniform1", "uniform3", "uniform5", "decay4"}) {
    expect_right("block_hash", batch(3, 12, 2, 6, {{"weights", weights}}));
  }
  expect_right("block_hash", batch(6, 3, 2, 3, {{"auto_reweigh", "true"}}));
}

// Small: a sort is hundreds of launches. 170 sentences make its grids go round their tables.
TEST_P(EverySchedule, DenseTablesAreRight) {
  const auto* op = Registry::instance().find_operation("tensor_bleu");
  for (const std::string& fill : op->fills()) expect_right("dense_table", batch(3, 11, 2, 7), fill);
  expect_right("dense_table", batch(170, 3, 1, 4, {{"weights", "uniform1"}}));
}

template <typename Prepare>
bool caught(Prepare prepare, int s = 150) {
  Case c("tensor_bleu", batch(3, s, 2, 5), "", 1, Dtype::kI64);
  const Variant wrong{.op = "tensor_bleu", .name = "planted", .make = [&](const Problem& p) {
                        return std::make_unique<DeviceKernel>(c.specs(), prepare(p));
                      }};
  try {
    c.run(wrong);
    return !c.fault().empty();
  } catch (const std::runtime_error&) {  // the memory checker saw it
    return true;
  }
}

TEST_P(EverySchedule, PlantedBugsAreCaught) {
  if (simt::memory_is_checked() || GetParam() == simt::Order::kSkewed) {
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
