// The softmax kernels on fibers are right in four schedules.
#include "suites/softmax/device_test.h"
#include "testing/schedules.h"

namespace sb::softmax {
namespace {

using sb::testing::Case;

class EverySchedule : public sb::testing::Scheduled {
 protected:
  static void expect_all_right(Case c, std::uint64_t seed = 1) {
    use(seed);
    for (const Variant* v : Registry::instance().variants_of(c.op().name())) {
      if (v->device != Device::kSimt || !why_not(*v, c.problem()).empty()) continue;
      c.run(*v);
      EXPECT_EQ(c.fault(), "") << v->full_name() << " " << name_of(c.problem().dtype) << " "
                               << c.problem().params.text() << " seed " << seed;
    }
  }
  // Both operations, every storage type.
  static void expect_all_forms_right(std::int64_t rows, std::int64_t cols, std::int64_t stride = 0,
                                     const std::string& fill = "", std::uint64_t seed = 1) {
    for (const char* op : {"softmax", "log_softmax"}) {
      for (const Dtype dtype : {Dtype::kF32, Dtype::kBf16, Dtype::kF16}) {
        expect_all_right(given(rows, cols, stride, fill, op, dtype), seed);
      }
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Softmax, EverySchedule, sb::testing::every_schedule(),
                         sb::testing::name_of_schedule);

TEST_P(EverySchedule, SmallShapesAreRightForManySeeds) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    expect_all_right(given(5, 7), seed);
    expect_all_right(given(2, 130, 132, "", "log_softmax", Dtype::kBf16), seed);
  }
}

TEST_P(EverySchedule, BothOperationsAndAllTypesAreRightWhateverTheAlignment) {
  expect_all_forms_right(5, 7);
  expect_all_forms_right(2, 130, 136);
  expect_all_forms_right(9, 1021, 1023);
  expect_all_forms_right(2, 1000, 0, "one_nan");
  for (const char* fill : {"half_masked", "all_masked", "one_inf", "steep"}) {
    expect_all_forms_right(1, 1024, 0, fill);
  }
  for (const char* fill : {"huge", "very_low"}) expect_all_right(given(1, 1024, 0, fill));
}

// 256 threads of 8 numbers each go round six times.
TEST_P(EverySchedule, LoopsOfFiveTripsAndTailsAreRight) {
  expect_all_forms_right(2, 6 * 2048 + 3);
  expect_all_right(given(1, 32768));
  expect_all_right(given(1, 6 * 8192 + 5));
}

// Many pieces per row: the merge of the second launch loops, too.
TEST_P(EverySchedule, ARowOfManyPiecesIsRight) { expect_all_right(given(1, 170 * 8192 + 1)); }

}  // namespace
}  // namespace sb::softmax
