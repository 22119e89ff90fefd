// Every variant of fft_conv and fft_conv_backward on the hard shapes; planted bugs; the reference
// against definitions written another way.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <numbers>

#include "suites/fft_conv/fft_conv_op.h"
#include "suites/fft_conv/fftw.h"
#include "suites/fft_conv/monarch_plan.h"
#include "suites/fft_conv/reference.h"
#include "testing/check_case.h"

namespace sb::fft_conv {
namespace {

using sb::testing::Case;
using Given = std::map<std::string, std::string>;

struct Hard {
  Given params;
  std::string fill = "normal(0,1)";
  Dtype dtype = Dtype::kF32;
};

Given shape(int b, int h, int n, Given more = {}) {
  more.insert({{"b", std::to_string(b)}, {"h", std::to_string(h)}, {"n", std::to_string(n)}});
  return more;
}

// Odd numbers of sequences, odd lengths (rows off their boundaries), kernels shorter than the
// sequence, every wrap-around, and sizes that take every path of a plan.
std::vector<Hard> hard_cases() {
  const Given causal = {{"causal", "true"}};
  const Given gated = {{"gated", "true"}};
  const Given both = {{"causal", "true"}, {"gated", "true"}};
  return {
      {shape(1, 1, 256)},
      {shape(2, 3, 256, gated)},
      {shape(3, 2, 256, causal)},
      {shape(5, 1, 512, both)},
      {shape(2, 2, 1024, {{"spectrum", "cached"}})},
      {shape(3, 2, 1024, {{"spectrum", "cached"}, {"causal", "true"}, {"gated", "true"}})},
      {shape(2, 1, 2048)},
      {shape(2, 1, 4096, gated)},
      {shape(1, 2, 256, {{"l", "255"}, {"lk", "17"}})},
      {shape(3, 1, 256, {{"l", "101"}, {"lk", "128"}, {"causal", "true"}})},
      {shape(2, 2, 512, {{"l", "301"}, {"lk", "511"}, {"gated", "true"}})},
      {shape(2, 2, 1024, {{"lk", "5"}}), "normal(0,1)", Dtype::kBf16},
      {shape(3, 1, 1024, {{"gated", "true"}, {"l", "1023"}}), "normal(0,1)", Dtype::kF16},
      {shape(2, 1, 256, causal), "normal(0,1)", Dtype::kF16},
      // Enough products that some lie below f16's normal range, where half an ulp is 2^-25.
      {shape(8, 16, 1024, {{"gated", "true"}, {"spectrum", "cached"}}), "normal(0,1)", Dtype::kF16},
      {shape(2, 1, 512, both), "normal(0,1)", Dtype::kBf16},
      {shape(2, 2, 256), "impulse_kernel"},
      {shape(2, 2, 256), "shifted_impulse_kernel"},
      {shape(2, 2, 256, causal), "shifted_impulse_kernel"},
      {shape(2, 1, 512), "impulse_signal"},
      {shape(2, 1, 512, causal), "impulse_signal"},
      {shape(1, 2, 256), "zero_kernel"},
      {shape(2, 1, 1024), "alternating"},
      {shape(2, 1, 1024), "constant(1)"},
      {shape(2, 1, 2048, causal), "decaying_kernel"},
  };
}

// Beyond the direct reference, and too long to be run on every thread count.
std::vector<Hard> long_cases() {
  return {
      {shape(2, 1, 8192)},
      {shape(1, 1, 16384, {{"causal", "true"}})},
      {shape(3, 1, 32768, {{"gated", "true"}, {"spectrum", "cached"}})},
      {shape(1, 1, 65536)},
      {shape(2, 1, 131072, {{"causal", "true"}})},
      {shape(1, 1, 262144, {{"l", "200001"}})},
  };
}

// Variants that can run the case here; says which can't.
std::vector<const Variant*> runnable(const Case& c) {
  std::vector<const Variant*> variants;
  for (const Variant* v : Registry::instance().variants_of(c.op().name())) {
    if (v->device != Device::kCpu) continue;
    const std::string why = why_not(*v, c.problem());
    if (why.empty()) {
      variants.push_back(v);
    } else {
      std::cout << "skipped " << v->full_name() << " " << c.problem().params.text() << ": " << why
                << "\n";
    }
  }
  return variants;
}

#if SB_HAVE_FFTW
const auto quick_plans = fftw_planning_seconds = 0.01;
#endif

class Op : public ::testing::TestWithParam<const char*> {
 protected:
  static void check(const Hard& hard, int threads) {
    Case c(GetParam(), hard.params, hard.fill, threads, hard.dtype);
    for (const Variant* variant : runnable(c)) {
      c.run(*variant);
      EXPECT_EQ(c.fault(), "") << variant->full_name() << " " << c.problem().params.text() << " "
                               << hard.fill << " " << name_of(hard.dtype) << " threads " << threads;
    }
  }
};

TEST_P(Op, EveryVariantMeetsTheReferenceOnEveryHardCase) {
  for (const Hard& hard : hard_cases()) {
    for (const int threads : {1, 2, 3}) check(hard, threads);
  }
}

TEST_P(Op, EveryVariantMeetsTheReferenceOnLongSequences) {
  for (const Hard& hard : long_cases()) check(hard, 2);
}

TEST_P(Op, EveryPlantedBugIsCaughtOnSomeHardCase) {
  std::map<std::string, int> caught;
  for (const Hard& hard : hard_cases()) {
    Case c(GetParam(), hard.params, hard.fill, 1, hard.dtype);
    c.store_expected();
    ASSERT_EQ(c.fault(), "") << "the reference must pass itself";
    for (const Mutant& mutant : c.op().mutants()) {
      c.store_expected();
      mutant.corrupt(c.problem(), c.operands());
      caught[mutant.name] += c.fault().empty() ? 0 : 1;
    }
  }
  EXPECT_GE(caught.size(), 10u);
  for (const auto& [name, times] : caught) EXPECT_GT(times, 0) << name;
}

// Not even one shape with an answer other than zero lets zeros pass: upstream's tolerance would.
TEST_P(Op, AnAllZeroResultFailsOnEveryShape) {
  for (const Hard& hard : hard_cases()) {
    if (hard.fill == "zero_kernel") continue;
    Case c(GetParam(), hard.params, hard.fill, 1, hard.dtype);
    for (std::size_t t = 0; t < c.specs().size(); ++t) {
      if (c.specs()[t].role != Role::kOutput) continue;
      c.store_expected();
      std::memset(c.operands().get<void>(static_cast<int>(t)), 0,
                  static_cast<std::size_t>(c.specs()[t].allocated()));
      EXPECT_NE(c.fault(), "") << c.specs()[t].name << " " << c.problem().params.text();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(FftConv, Op, ::testing::Values("fft_conv", "fft_conv_backward"));

// A cached spectrum belongs to the kernel: other sequences must give other results.
TEST(FftConv, CachedSpectraHoldForOtherSequences) {
  const Given params = shape(2, 2, 512, {{"spectrum", "cached"}});
  Case c("fft_conv", params);
  for (const Variant* variant : runnable(c)) {
    const auto kernel = variant->make(c.problem());
    kernel->prepare(c.operands());
    kernel->run(c.operands());
    fill_signal(c.problem(), Fill{}, 1234, c.operands().get<void>(forward::kU));
    kernel->run(c.operands());
    const std::vector<Expected> expected = c.op().reference(c.problem(), c.operands());
    EXPECT_EQ(sb::testing::why_wrong(c.specs()[forward::kY], c.operands().get<void>(forward::kY),
                                     expected[0]),
              "")
        << variant->full_name();
  }
}

TEST(FftConv, SpectraWithZeroBlocksMeetTheReference) {
  for (const Given& params : {shape(3, 2, 256, {{"sparsity", "50"}}),
                              shape(2, 1, 4096, {{"sparsity", "79"}, {"gated", "true"}}),
                              shape(2, 1, 8192, {{"sparsity", "25"}, {"causal", "true"}}),
                              shape(1, 1, 65536, {{"sparsity", "99"}, {"spectrum", "cached"}})}) {
    Case c("fft_conv", params);
    for (const Variant* variant : runnable(c)) {
      c.run(*variant);
      EXPECT_EQ(c.fault(), "") << variant->full_name() << " " << c.problem().params.text();
    }
  }
}

std::int64_t workspace(const Variant& variant, const Problem& problem) {
  const std::int64_t before = AllocationCounter::live();
  const auto kernel = variant.make(problem);
  return AllocationCounter::live() - before;
}

// The memory claim of the fused form, counted: its work area knows no batch.
TEST(FftConv, FusedWorkspaceIsTheSameForEveryBatchAndUnfusedGrowsWithIt) {
  const Operation* op = Registry::instance().find_operation("fft_conv");
  const auto problem = [&](int b) {
    return Problem{.params = Params(op->params(), shape(b, 3, 1024))};
  };
  for (const Variant* v : Registry::instance().variants_of("fft_conv")) {
    if (v->device != Device::kCpu || !why_not(*v, problem(4)).empty()) continue;
    if (v->name == "fused") {
      EXPECT_EQ(workspace(*v, problem(4)), workspace(*v, problem(64))) << v->full_name();
      // A work area of two rows, a spectrum, and the tables of factors.
      EXPECT_LT(workspace(*v, problem(4)), 8 * 4 * 1024) << v->full_name();
    }
    if (v->name == "fft_unfused_c2c") {
      EXPECT_EQ(workspace(*v, problem(64)), std::int64_t{4} * (3 * 64 * 3 * 1024 + 2 * 3 * 1024));
    }
  }
}

// One sequence: all threads work on it, on its kernel's spectrum and on its gradients. (Threads
// with sequences of one channel each add its gradient in another order than one thread does.)
TEST(FftConv, FusedGivesTheSameBitsForEveryThreadCount) {
  const Given one = shape(1, 1, 4096, {{"gated", "true"}}), short_kernel = {{"lk", "100"}};
  const std::vector<std::pair<const char*, Given>> cases = {
      {"fft_conv", shape(5, 2, 512)},
      {"fft_conv", one},
      {"fft_conv", shape(1, 1, 512, short_kernel)},
      {"fft_conv_backward", one},
      {"fft_conv_backward", shape(1, 1, 512, short_kernel)},
  };
  for (const auto& [op, params] : cases) {
    std::map<std::string, std::vector<unsigned char>> bits;
    for (const int threads : {1, 2, 3, 5}) {
      Case c(op, params, "", threads);
      for (const Variant* variant : runnable(c)) {
        if (variant->name != "fused") continue;
        c.run(*variant);
        const auto entry = bits.try_emplace(variant->full_name(), c.output_bits()).first;
        EXPECT_EQ(c.output_bits(), entry->second)
            << op << " " << variant->full_name() << " " << threads;
      }
    }
    EXPECT_GE(bits.size(), 1u);
  }
}

TEST(Monarch, LeavesOutTheBlocksThatAreZero) {
  const auto kept = [](std::int64_t sparsity) {
    return MonarchPlan(1024, {32, 32}, sparsity).kept();
  };
  EXPECT_EQ(kept(0), 32);
  EXPECT_EQ(kept(50), 16);
  EXPECT_EQ(kept(75), 8);
}

TEST(Monarch, FrequenciesOfThePermutedSpectrumAreAllThere) {
  const MonarchPlan plan(4096, {16, 16, 16}, 0);
  std::vector<bool> seen(4096);
  for (std::int64_t i = 0; i < plan.bins(); ++i) {
    seen[static_cast<std::size_t>(plan.frequency(i / plan.kept(), i % plan.kept()))] = true;
  }
  EXPECT_EQ(std::count(seen.begin(), seen.end(), true), 4096);
}

std::vector<double> random_doubles(std::int64_t count, std::uint64_t seed) {
  std::vector<double> v(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < v.size(); ++i) v[i] = random_normal(seed, i);
  return v;
}

// The two ways of the reference against each other, and both against the definition.
TEST(Reference, FourierAndDirectSumsAgreeToDoublePrecision) {
  const std::int64_t n = 2 * kDirect;  // by FFT
  const std::vector<double> a = random_doubles(n / 2, 1);
  const std::vector<double> x = random_doubles(n, 2);
  for (const Direction direction : {Direction::kConvolve, Direction::kCorrelate}) {
    const std::vector<double> c = circular(direction, a, x, n);
    for (const std::int64_t i : {std::int64_t{0}, std::int64_t{1}, n / 3, n - 1}) {
      double sum = 0;
      for (std::int64_t m = 0; m < n / 2; ++m) {
        const std::int64_t at = direction == Direction::kConvolve ? i - m : i + m;
        sum += a[static_cast<std::size_t>(m)] * x[static_cast<std::size_t>((at + n) % n)];
      }
      EXPECT_NEAR(c[static_cast<std::size_t>(i)], sum, 1e-11 * n);
    }
  }
}

TEST(Reference, DroppingHighFrequenciesKeepsASlowWaveAndRemovesAFastOne) {
  constexpr std::int64_t kN = 64;
  const auto wave = [](int cycles) {
    std::vector<double> v(kN);
    for (std::size_t i = 0; i < v.size(); ++i) {
      v[i] = std::cos(2 * std::numbers::pi * cycles * static_cast<double>(i) / kN);
    }
    return v;
  };
  const std::vector<double> slow = without_high_frequencies(wave(15), kN, 50);
  const std::vector<double> fast = without_high_frequencies(wave(16), kN, 50);
  for (std::size_t i = 0; i < kN; ++i) {
    EXPECT_NEAR(slow[i], wave(15)[i], 1e-13);
    EXPECT_NEAR(fast[i], 0, 1e-13);
  }
}

// Gradients against central differences of the forward reference.
TEST(FftConvBackward, ReferenceGradientsAreTheDerivativesOfTheForwardReference) {
  for (const char* causal : {"false", "true"}) {
    const Given params = shape(2, 2, 16, {{"gated", "true"}, {"causal", causal}, {"lk", "7"}});
    Case back("fft_conv_backward", params);
    Case fore("fft_conv", params);
    const Shape s(back.problem());
    using B = backward::Place;
    const auto copy = [&](forward::Place to, B from, std::int64_t count) {
      std::memcpy(fore.operands().get<float>(to), back.operands().get<float>(from),
                  static_cast<std::size_t>(count) * sizeof(float));
    };
    copy(forward::kU, B::kU, s.elements());
    copy(forward::kK, B::kK, s.h * s.lk);
    copy(forward::kGateIn, B::kGateIn, s.elements());
    copy(forward::kGateOut, B::kGateOut, s.elements());
    const auto loss = [&] {
      const auto y = fore.op().reference(fore.problem(), fore.operands())[0].value;
      double sum = 0;
      for (std::size_t i = 0; i < y.size(); ++i)
        sum += y[i] * back.operands().get<float>(B::kDy)[i];
      return sum;
    };
    const auto check = [&](forward::Place place, std::int64_t count, const Expected& gradient) {
      for (std::int64_t i = 0; i < count; ++i) {
        float& x = fore.operands().get<float>(place)[i];
        const float middle = x;  // the loss is linear in every single input: any step will do
        x = middle + 1;
        const double above = loss();
        const double step = double{x} - double{middle};
        x = middle;
        EXPECT_NEAR(gradient.value[static_cast<std::size_t>(i)], (above - loss()) / step, 1e-5);
      }
    };
    const std::vector<Expected>& g = back.expected();
    check(forward::kU, s.elements(), g[0]);
    check(forward::kK, s.h * s.lk, g[1]);
    check(forward::kGateIn, s.elements(), g[2]);
    check(forward::kGateOut, s.elements(), g[3]);
  }
}

TEST(FftConv, RefusesShapesThatMakeNoSense) {
  const Operation* op = Registry::instance().find_operation("fft_conv");
  const auto why = [&](const Given& params) {
    return op->why_not({.params = Params(op->params(), params)});
  };
  EXPECT_EQ(why(shape(1, 1, 300)), "n = 300 is not a power of two");
  EXPECT_EQ(why(shape(1, 1, 256, {{"l", "257"}})), "l = 257 exceeds n = 256");
  EXPECT_EQ(why(shape(1, 1, 256, {{"lk", "129"}, {"causal", "true"}})),
            "lk = 129 exceeds n/2 = 128");
}

}  // namespace
}  // namespace sb::fft_conv
