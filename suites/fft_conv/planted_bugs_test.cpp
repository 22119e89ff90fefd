// Every planted bug of the CUDA kernels of fft_conv is caught, in every schedule of the fibers.
#include "suites/fft_conv/device_test.h"
#include "suites/fft_conv/monarch_backward_call.cuh"
#include "suites/fft_conv/monarch_call.cuh"
#include "suites/fft_conv/monarch_staged_call.cuh"
#include "suites/fft_conv/plan_by_definition.cuh"
#include "suites/fft_conv/unfused_call.cuh"
#include "testing/schedules.h"

namespace sb::fft_conv {
namespace {

using sb::testing::Case;

class PlantedBugs : public sb::testing::Scheduled {};

INSTANTIATE_TEST_SUITE_P(FftConv, PlantedBugs, sb::testing::every_schedule(),
                         sb::testing::name_of_schedule);

template <typename Prepare>
bool found_out(Case& c, Prepare prepare) {
  return sb::testing::found_out(
      c, [&](const Problem& p) { return std::make_unique<DeviceKernel>(c.specs(), prepare(p)); });
}

template <Bug kBug, Bug kInSpectra = kBug>
bool caught(const Given& params, const std::string& fill = "normal(0,1)") {
  Case c("fft_conv", params, fill);
  return found_out(c, monarch_run<kBug, kInSpectra>);
}

template <Bug kBug, Bug kInSpectra = kBug, Bug kInSum = kBug>
bool caught_in_gradients(const Given& params) {
  Case c("fft_conv_backward", params, "normal(0,1)");
  return found_out(c, monarch_backward_run<kBug, kInSpectra, kInSum>);
}

// A spectrum that lies in registers, in one schedule: it takes seconds.
TEST(PlantedBug, OfALongSequenceIsCaughtByItsAnswer) {
  const simt::UncheckedMemory unchecked;
  EXPECT_TRUE(caught<Bug::kNoMirror>(shape(1, 1, 32768)));
}

// Points of the inner transform of stages in memory.
constexpr std::int64_t kInner = 128;

template <Bug kOuter = Bug::kNone, Bug kInInner = kOuter>
bool staged_found_out(const std::string& op, const Given& params) {
  Case c(op, params, "normal(0,1)");
  return found_out(c, [&](const Problem& p) {
    return op == "fft_conv" ? staged_run_with<kOuter, kInInner>(p, kInner)
                            : staged_backward_run_with<kOuter, kInInner>(p, kInner);
  });
}

template <Bug kBug>
void expect_both_staged_kernels_caught(const std::string& op, const Given& params) {
  EXPECT_TRUE((staged_found_out<kBug, Bug::kNone>(op, params))) << op << ", outer kernel";
  EXPECT_TRUE((staged_found_out<Bug::kNone, kBug>(op, params))) << op << ", inner kernel";
}

TEST_P(PlantedBugs, OfStagesInMemoryAreCaught) {
  for (const char* op : {"fft_conv", "fft_conv_backward"}) {
    expect_both_staged_kernels_caught<Bug::kNoTwiddle>(op, shape(1, 1, 2048));
    expect_both_staged_kernels_caught<Bug::kNoLowPart>(op, shape(1, 1, 2048));
  }
  const std::string backward = "fft_conv_backward";
  EXPECT_TRUE((staged_found_out<Bug::kNone, Bug::kDroppedPart>(backward, shape(3, 1, 2048))));
  EXPECT_TRUE((staged_found_out<Bug::kNone, Bug::kNoMirror>(backward, shape(1, 1, 2048))));
}

TEST_P(PlantedBugs, OfGradientsAreCaught) {
  const Given two_rows = shape(2, 1, 2048);
  EXPECT_TRUE(caught_in_gradients<Bug::kNoMirror>(shape(1, 1, 256)));
  EXPECT_TRUE(caught_in_gradients<Bug::kNoTwiddle>(shape(1, 1, 256)));
  EXPECT_TRUE(caught_in_gradients<Bug::kDroppedPart>(two_rows));
  // In the launches before and after.
  EXPECT_TRUE((caught_in_gradients<Bug::kNone, Bug::kNoTwiddle, Bug::kNone>(two_rows)));
  EXPECT_TRUE((caught_in_gradients<Bug::kNone, Bug::kNone, Bug::kNoTwiddle>(two_rows)));
  EXPECT_FALSE(caught_in_gradients<Bug::kNone>(two_rows));
}

TEST_P(PlantedBugs, OfTransformsAreCaught) {
  const Given plain = shape(1, 1, 256);
  if (sb::testing::shows_missing_barriers(GetParam())) {
    EXPECT_TRUE(caught<Bug::kNoBarrier>(shape(1, 1, 1024)));
  }
  EXPECT_TRUE(caught<Bug::kNoTwiddle>(plain));
  const Given cached = shape(1, 1, 256, {{"spectrum", "cached"}});
  EXPECT_TRUE((caught<Bug::kNone, Bug::kNoTwiddle>(cached)));
  EXPECT_FALSE((caught<Bug::kNone, Bug::kNone>(cached)));
  EXPECT_TRUE(caught<Bug::kNoLowPart>(plain));
  EXPECT_TRUE(caught<Bug::kNoScale>(plain, "normal(0,1e6)"));
  EXPECT_TRUE(caught<Bug::kNoMirror>(plain));
  EXPECT_TRUE(caught<Bug::kSkipsTooMuch>(shape(1, 1, 1024, {{"sparsity", "50"}})));
  EXPECT_FALSE(caught<Bug::kNone>(plain));
}

template <PointwiseBug kBug>
bool caught_between_transforms() {
  Case c("fft_conv", shape(1, 2, 32, {{"gated", "true"}, {"l", "21"}, {"sparsity", "40"}}),
         "normal(0,1)");
  return found_out(c, unfused_of_type<PlanByDefinition, 2, float, kBug>);
}

TEST_P(PlantedBugs, BetweenTransformsAreCaught) {
  EXPECT_TRUE(caught_between_transforms<PointwiseBug::kFirstNotGated>());
  EXPECT_TRUE(caught_between_transforms<PointwiseBug::kTailNotCleared>());
  EXPECT_TRUE(caught_between_transforms<PointwiseBug::kFirstBinNotMultiplied>());
  EXPECT_TRUE(caught_between_transforms<PointwiseBug::kFirstBinNotCleared>());
  EXPECT_TRUE(caught_between_transforms<PointwiseBug::kLastSampleLeftOut>());
  EXPECT_FALSE(caught_between_transforms<PointwiseBug::kNone>());
}

}  // namespace
}  // namespace sb::fft_conv
