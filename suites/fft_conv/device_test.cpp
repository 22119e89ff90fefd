// The CUDA kernels of fft_conv on fibers: right in four schedules, planted bugs caught.
#include <gtest/gtest.h>

#include <stdexcept>

#include "simt/launch.h"
#include "suites/fft_conv/monarch_backward_call.cuh"
#include "suites/fft_conv/monarch_call.cuh"
#include "suites/fft_conv/monarch_staged_call.cuh"
#include "suites/fft_conv/plan_by_definition.cuh"
#include "suites/fft_conv/unfused_call.cuh"
#include "testing/check_case.h"

namespace sb::fft_conv {
namespace {

using sb::testing::Case;
using Given = std::map<std::string, std::string>;

Given shape(int b, int h, int n, Given more = {}) {
  more.insert({{"b", std::to_string(b)}, {"h", std::to_string(h)}, {"n", std::to_string(n)}});
  return more;
}

// How many variants ran: a test that none takes has shown nothing.
int expect_all_right(const std::string& op, const Given& params, Dtype dtype = Dtype::kF32,
                     const std::string& fill = "normal(0,1)") {
  Case c(op, params, fill, 1, dtype);
  int ran = 0;
  for (const Variant* v : Registry::instance().variants_of(op)) {
    if (v->device != Device::kSimt || !why_not(*v, c.problem()).empty()) continue;
    c.run(*v);
    ++ran;
    EXPECT_EQ(c.fault(), "") << v->full_name() << " " << name_of(dtype) << " " << fill << " "
                             << c.problem().params.text();
  }
  return ran;
}

int expect_forward_right(const Given& params, Dtype dtype = Dtype::kF32,
                         const std::string& fill = "normal(0,1)") {
  return expect_all_right("fft_conv", params, dtype, fill);
}
int expect_backward_right(const Given& params, Dtype dtype = Dtype::kF32,
                          const std::string& fill = "normal(0,1)") {
  return expect_all_right("fft_conv_backward", params, dtype, fill);
}

class EverySchedule : public ::testing::TestWithParam<simt::Order> {
 protected:
  EverySchedule() : before_(simt::current_schedule()) { use(1); }
  ~EverySchedule() override { simt::current_schedule() = before_; }
  static void use(std::uint64_t seed) {
    simt::current_schedule() = {.order = GetParam(), .seed = seed, .resident = 2};
  }

 private:
  simt::Schedule before_;
};

INSTANTIATE_TEST_SUITE_P(FftConv, EverySchedule, ::testing::ValuesIn(simt::kAllOrders),
                         [](const auto& order) { return std::string(name_of(order.param)); });

TEST_P(EverySchedule, TheSmallestTransformIsRightForManySeeds) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    use(seed);
    EXPECT_EQ(expect_forward_right(shape(1, 1, 256)), 1);
  }
}

// Every way to factor, sequences that miss their block, lengths that miss 16 bytes, all types.
TEST_P(EverySchedule, EveryFactorisationIsRight) {
  expect_forward_right(shape(17, 1, 256, {{"gated", "true"}}), Dtype::kBf16);
  expect_forward_right(shape(1, 2, 512, {{"causal", "true"}, {"l", "251"}}));
  expect_forward_right(shape(3, 1, 1024, {{"lk", "5"}}), Dtype::kF16);
  expect_forward_right(shape(1, 1, 2048));
  expect_forward_right(shape(1, 1, 4096, {{"gated", "true"}, {"causal", "true"}}));
}

TEST_P(EverySchedule, HardSignalsAreRight) {
  for (const char* fill : {"shifted_impulse_kernel", "zero_kernel", "alternating", "constant(1)"}) {
    expect_forward_right(shape(1, 1, 256), Dtype::kF32, fill);
  }
  // Without scaling these overflow f16.
  expect_forward_right(shape(1, 1, 512), Dtype::kF32, "normal(0,1e6)");
  expect_forward_right(shape(1, 1, 1024), Dtype::kBf16, "constant(1e9)");
}

TEST_P(EverySchedule, SparseSpectraAreRight) {
  for (const char* percent : {"50", "75", "90"}) {
    expect_forward_right(shape(1, 1, 1024, {{"sparsity", percent}}));
  }
  expect_forward_right(shape(1, 1, 256, {{"sparsity", "60"}}));
}

TEST_P(EverySchedule, CachedSpectraAreRight) {
  const Given cached = {{"spectrum", "cached"}};
  EXPECT_EQ(expect_forward_right(shape(3, 2, 512, cached), Dtype::kBf16), 1);
  EXPECT_EQ(expect_forward_right(shape(1, 1, 1024, {{"spectrum", "cached"}, {"sparsity", "80"}})),
            1);
  EXPECT_EQ(expect_backward_right(shape(2, 1, 512, cached)), 1);
}

TEST_P(EverySchedule, GradientsAreRight) {
  expect_backward_right(shape(1, 1, 256));
  expect_backward_right(shape(19, 1, 256, {{"gated", "true"}}), Dtype::kBf16);
  expect_backward_right(shape(3, 2, 1024, {{"causal", "true"}, {"lk", "77"}, {"l", "333"}}));
  expect_backward_right(shape(3, 1, 2048, {{"gated", "true"}}), Dtype::kF16);
  expect_backward_right(shape(2, 1, 512), Dtype::kF32, "shifted_impulse_kernel");
}

// The largest transforms, in one schedule: their stages differ in nothing but the count.
class LongSequences : public ::testing::Test {
 protected:
  void SetUp() override {
    if (simt::memory_is_checked()) GTEST_SKIP() << "accesses are checked on shorter ones";
  }
  LongSequences() : before_(simt::current_schedule()) {
    simt::current_schedule() = {.order = simt::Order::kInOrder, .resident = 1};
  }
  ~LongSequences() override { simt::current_schedule() = before_; }

 private:
  simt::Schedule before_;
};

TEST_F(LongSequences, ThatFitABlockAreRight) {
  for (const int n : {8192, 16384, 32768}) {
    EXPECT_EQ(expect_forward_right(shape(1, 1, n, {{"sparsity", n == 32768 ? "80" : "0"}})), 1);
  }
}

TEST_F(LongSequences, ThatTakeStagesInMemoryAreRight) {
  EXPECT_EQ(expect_forward_right(shape(1, 1, 65536, {{"causal", "true"}})), 1);
}

TEST_F(LongSequences, OfWhichASpectrumLiesInRegistersAreRight) {
  EXPECT_EQ(expect_forward_right(shape(2, 1, 32768, {{"spectrum", "cached"}, {"l", "32761"}})), 1);
}

// Was the kernel found out, by its answer or by the memory checker?
template <typename Prepare>
bool found_out(Case& c, Prepare prepare) {
  const Variant wrong{
      .op = std::string(c.op().name()), .name = "planted", .make = [&](const Problem& p) {
        return std::make_unique<DeviceKernel>(c.specs(), prepare(p));
      }};
  try {
    c.run(wrong);
    return !c.fault().empty();
  } catch (const std::runtime_error&) {
    return true;
  }
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

TEST_F(LongSequences, APlantedBugIsCaughtWhereTheSpectrumLiesInRegisters) {
  EXPECT_TRUE(caught<Bug::kNoMirror>(shape(1, 1, 32768)));
}

// Stages in memory on short sequences: an inner transform of 128 points, and factors of 16, 32 or
// 16 and 16 before it, as n = 65536, 2^19 and above have.
constexpr std::int64_t kInner = 128;

template <Bug kOuter = Bug::kNone, Bug kInInner = kOuter>
bool staged_found_out(const std::string& op, const Given& params, Dtype dtype = Dtype::kF32) {
  Case c(op, params, "normal(0,1)", 1, dtype);
  const bool forward = op == "fft_conv";
  const bool found = found_out(c, [&](const Problem& p) {
    return forward ? staged_run_with<kOuter, kInInner>(p, kInner)
                   : staged_backward_run_with<kOuter, kInInner>(p, kInner);
  });
  if (found && kOuter == Bug::kNone && kInInner == Bug::kNone)
    std::printf("%s\n", c.fault().c_str());
  return found;
}

TEST_P(EverySchedule, StagesInMemoryAreRight) {
  const Given hard = {{"gated", "true"}, {"causal", "true"}, {"l", "1021"}, {"lk", "77"}};
  for (const char* op : {"fft_conv", "fft_conv_backward"}) {
    EXPECT_FALSE(staged_found_out(op, shape(3, 2, 2048, hard), Dtype::kBf16));
    EXPECT_FALSE(staged_found_out(op, shape(1, 1, 4096), Dtype::kF16));
    EXPECT_FALSE(staged_found_out(op, shape(5, 1, 2048, {{"spectrum", "cached"}})));
  }
}

TEST_F(LongSequences, ThatTakeTwoStagesInMemoryAreRight) {
  EXPECT_FALSE(staged_found_out("fft_conv", shape(1, 1, 32768, {{"gated", "true"}})));
  EXPECT_FALSE(staged_found_out("fft_conv_backward", shape(1, 1, 32768, {{"gated", "true"}})));
}

template <Bug kBug>
void expect_both_staged_kernels_caught(const std::string& op, const Given& params) {
  EXPECT_TRUE((staged_found_out<kBug, Bug::kNone>(op, params))) << op << ", outer kernel";
  EXPECT_TRUE((staged_found_out<Bug::kNone, kBug>(op, params))) << op << ", inner kernel";
}

TEST_P(EverySchedule, PlantedBugsOfStagesInMemoryAreCaught) {
  for (const char* op : {"fft_conv", "fft_conv_backward"}) {
    expect_both_staged_kernels_caught<Bug::kNoTwiddle>(op, shape(1, 1, 2048));
    expect_both_staged_kernels_caught<Bug::kNoLowPart>(op, shape(1, 1, 2048));
  }
  const std::string backward = "fft_conv_backward";
  EXPECT_TRUE((staged_found_out<Bug::kNone, Bug::kDroppedPart>(backward, shape(3, 1, 2048))));
  EXPECT_TRUE((staged_found_out<Bug::kNone, Bug::kNoMirror>(backward, shape(1, 1, 2048))));
}

TEST_P(EverySchedule, PlantedBugsOfGradientsAreCaught) {
  const Given two_rows = shape(2, 1, 2048);
  EXPECT_TRUE(caught_in_gradients<Bug::kNoMirror>(shape(1, 1, 256)));
  EXPECT_TRUE(caught_in_gradients<Bug::kNoTwiddle>(shape(1, 1, 256)));
  EXPECT_TRUE(caught_in_gradients<Bug::kDroppedPart>(two_rows));
  // In the launches before and after.
  EXPECT_TRUE((caught_in_gradients<Bug::kNone, Bug::kNoTwiddle, Bug::kNone>(two_rows)));
  EXPECT_TRUE((caught_in_gradients<Bug::kNone, Bug::kNone, Bug::kNoTwiddle>(two_rows)));
  EXPECT_FALSE(caught_in_gradients<Bug::kNone>(two_rows));
}

TEST_P(EverySchedule, PlantedBugsAreCaught) {
  const Given plain = shape(1, 1, 256);
  if (simt::memory_is_checked() || GetParam() == simt::Order::kSkewed) {
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

// The launches around cuFFT's transforms, with these done on the host.
TEST_P(EverySchedule, UnfusedConvolutionsAreRight) {
  const Given hard = {{"gated", "true"}, {"l", "51"}, {"lk", "17"}, {"sparsity", "30"}};
  for (const Dtype dtype : {Dtype::kF32, Dtype::kBf16}) {
    Case c("fft_conv", shape(2, 3, 64, hard), "normal(0,1)", 1, dtype);
    EXPECT_FALSE(found_out(c, unfused_run<PlanByDefinition, 2>)) << c.fault();
    EXPECT_FALSE(found_out(c, unfused_run<PlanByDefinition, 1>)) << c.fault();
  }
}

template <PointwiseBug kBug>
bool caught_between_transforms() {
  Case c("fft_conv", shape(1, 2, 32, {{"gated", "true"}, {"l", "21"}, {"sparsity", "40"}}),
         "normal(0,1)");
  return found_out(c, unfused_of_type<PlanByDefinition, 2, float, kBug>);
}

TEST_P(EverySchedule, PlantedBugsBetweenTransformsAreCaught) {
  EXPECT_TRUE(caught_between_transforms<PointwiseBug::kFirstNotGated>());
  EXPECT_TRUE(caught_between_transforms<PointwiseBug::kTailNotCleared>());
  EXPECT_TRUE(caught_between_transforms<PointwiseBug::kFirstBinNotMultiplied>());
  EXPECT_TRUE(caught_between_transforms<PointwiseBug::kFirstBinNotCleared>());
  EXPECT_TRUE(caught_between_transforms<PointwiseBug::kLastSampleLeftOut>());
  EXPECT_FALSE(caught_between_transforms<PointwiseBug::kNone>());
}

}  // namespace
}  // namespace sb::fft_conv
