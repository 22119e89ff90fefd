// The CUDA kernels of fft_conv on fibers are right in four schedules.
#include "suites/fft_conv/device_test.h"
#include "suites/fft_conv/on_fibers.h"
#include "testing/schedules.h"

namespace sb::fft_conv {
namespace {

using sb::testing::Case;
using sb::testing::found_out;

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

class EverySchedule : public sb::testing::Scheduled {};

INSTANTIATE_TEST_SUITE_P(FftConv, EverySchedule, sb::testing::every_schedule(),
                         sb::testing::name_of_schedule);

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

// The largest transforms, in one schedule: their stages differ in nothing but the count. Accesses
// are checked on shorter ones.
class LongSequences : public ::testing::Test {
 protected:
  LongSequences() { simt::current_schedule() = {.order = simt::Order::kInOrder, .resident = 1}; }
  ~LongSequences() override { simt::current_schedule() = before_; }

 private:
  simt::Schedule before_ = simt::current_schedule();
  simt::UncheckedMemory unchecked_;
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

// Stages in memory on short sequences: an inner transform of 128 points, and factors of 16, 32 or
// 16 and 16 before it, as n = 65536, 2^19 and above have.
void expect_stages_right(const Given& params, Dtype dtype = Dtype::kF32) {
  constexpr std::int64_t kInner = 128;
  Case forward("fft_conv", params, "normal(0,1)", 1, dtype);
  EXPECT_FALSE(found_out(forward, [](const Problem& p) { return staged_on_fibers(p, kInner); }))
      << forward.fault();
  Case backward("fft_conv_backward", params, "normal(0,1)", 1, dtype);
  EXPECT_FALSE(found_out(backward, [](const Problem& p) {
    return staged_backward_on_fibers(p, kInner);
  })) << backward.fault();
}

TEST_P(EverySchedule, StagesInMemoryAreRight) {
  expect_stages_right(
      shape(3, 2, 2048, {{"gated", "true"}, {"causal", "true"}, {"l", "1021"}, {"lk", "77"}}),
      Dtype::kBf16);
  expect_stages_right(shape(1, 1, 4096), Dtype::kF16);
  expect_stages_right(shape(5, 1, 2048, {{"spectrum", "cached"}}));
}

TEST_F(LongSequences, ThatTakeTwoStagesInMemoryAreRight) {
  expect_stages_right(shape(1, 1, 32768, {{"gated", "true"}}));
}

// The launches around cuFFT's transforms, with these done on the host.
TEST_P(EverySchedule, UnfusedConvolutionsAreRight) {
  const Given hard = {{"gated", "true"}, {"l", "51"}, {"lk", "17"}, {"sparsity", "30"}};
  for (const Dtype dtype : {Dtype::kF32, Dtype::kBf16}) {
    Case c("fft_conv", shape(2, 3, 64, hard), "normal(0,1)", 1, dtype);
    for (const bool complex : {true, false}) {
      EXPECT_FALSE(found_out(c, [=](const Problem& p) { return unfused_on_fibers(p, complex); }))
          << c.fault();
    }
  }
}

}  // namespace
}  // namespace sb::fft_conv
