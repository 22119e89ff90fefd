// The CUDA kernels of BLEU on fibers are right in four schedules.
#include "suites/tensor_bleu/device_test.h"
#include "testing/schedules.h"

namespace sb::tensor_bleu {
namespace {

using sb::testing::Case;

class EverySchedule : public sb::testing::Scheduled {
 protected:
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
};

INSTANTIATE_TEST_SUITE_P(TensorBleu, EverySchedule, sb::testing::every_schedule(),
                         sb::testing::name_of_schedule);

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

}  // namespace
}  // namespace sb::tensor_bleu
