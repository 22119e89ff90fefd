// nvcc's PTX of the FFT convolution kernels: right, and every instruction of it executed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "suites/fft_conv/as_ptx.h"
#include "testing/ptx_proof.h"

namespace sb::fft_conv {
namespace {

using sb::testing::Case;
using Given = std::map<std::string, std::string>;

constexpr Dtype kDtypes[] = {Dtype::kF32, Dtype::kBf16, Dtype::kF16};

Given shape(int b, int h, int n, Given more = {}) {
  more.insert({{"b", std::to_string(b)}, {"h", std::to_string(h)}, {"n", std::to_string(n)}});
  return more;
}

// Tolerances of f16 know nothing of its subnormal numbers: no product of gates may be as small.
std::string fill_of(Dtype dtype) {
  return dtype == Dtype::kF16 ? "uniform(0.5, 1)" : "normal(0,1)";
}

void expect_right(const std::string& op, const Given& params, Dtype dtype = Dtype::kF32) {
  EXPECT_EQ(sb::testing::expect_right_as_ptx({op, params, fill_of(dtype), 1, dtype}), 2);
}
void expect_both_right(const Given& params, Dtype dtype = Dtype::kF32) {
  expect_right("fft_conv", params, dtype);
  expect_right("fft_conv_backward", params, dtype);
}

// A kernel that no registered variant gives: make(problem, arch).
template <typename Make>
void expect_made_right(Case c, const Make& make) {
  const sb::testing::MixedSchedule mixed;
  for (const int arch : {80, 90}) {
    std::string fault;
    try {
      c.run({.op = std::string(c.op().name()),
             .name = "made",
             .make = [&](const Problem& problem) { return make(problem, arch); }},
            1);
      fault = c.fault();
    } catch (const std::runtime_error& error) {  // what the memory checker saw
      fault = error.what();
    }
    EXPECT_EQ(fault, "") << arch << " " << name_of(c.problem().dtype) << " "
                         << c.problem().params.text();
  }
}

// Every way to factor; rows that miss their block, or 16 bytes, or a thread's second trip.
TEST(Ptx, OfMonarchIsRight) {
  for (const Dtype dtype : kDtypes) {
    for (const char* gated : {"false", "true"}) {
      expect_both_right(shape(17, 1, 256, {{"gated", gated}}), dtype);
      expect_both_right(shape(1, 2, 512, {{"gated", gated}, {"l", "509"}, {"lk", "77"}}), dtype);
    }
  }
  expect_both_right(shape(1, 1, 8192, {{"gated", "true"}, {"l", "8179"}}));
  expect_both_right(shape(2, 1, 1024, {{"causal", "true"}}));
  expect_both_right(shape(1, 1, 2048, {{"gated", "true"}}));
  expect_both_right(shape(3, 1, 4096, {{"gated", "true"}, {"spectrum", "cached"}}));
  for (const char* percent : {"50", "90"}) {
    expect_right("fft_conv", shape(1, 1, 1024, {{"sparsity", percent}}));
    expect_right("fft_conv", shape(3, 1, 512, {{"sparsity", percent}, {"spectrum", "cached"}}));
  }
}

TEST(Ptx, OfMonarchWithTheSpectrumInRegistersIsRight) {
  expect_right("fft_conv", shape(1, 1, 32768, {{"gated", "true"}, {"l", "32767"}}));
  expect_right("fft_conv", shape(1, 1, 32768, {{"gated", "true"}, {"sparsity", "80"}}),
               Dtype::kBf16);
  expect_right("fft_conv", shape(1, 1, 32768, {{"spectrum", "cached"}, {"gated", "true"}}),
               Dtype::kF16);
  for (const Dtype dtype : {Dtype::kBf16, Dtype::kF16}) {
    expect_right("fft_conv", shape(1, 1, 32768, {{"gated", "true"}, {"l", "32767"}}), dtype);
  }
}

// Stages in memory before an inner transform of 128 or 512 points: of 16 and 32. Two of 16 one
// after the other are the same code, and are run on fibers.
TEST(Ptx, OfStagesInMemoryIsRight) {
  const sb::testing::OneMultiprocessor small;  // of few blocks, each goes round again
  const auto forward = [](const Problem& p, int arch) { return staged_as_ptx(p, arch, 128); };
  const auto backward = [](const Problem& p, int arch) {
    return staged_backward_as_ptx(p, arch, 128);
  };
  for (const Dtype dtype : kDtypes) {
    for (const int n : {2048, 4096}) {  // a pair of sequences, and one without its second
      const std::string l = std::to_string(n - 3);  // every row of a column has samples
      const Given params = shape(3, 1, n, {{"gated", "true"}, {"l", l}, {"lk", "501"}});
      if (dtype == Dtype::kF32) expect_made_right({"fft_conv", params, fill_of(dtype)}, forward);
      expect_made_right({"fft_conv_backward", params, fill_of(dtype), 1, dtype}, backward);
    }
  }
  // Five pairs are added up to dk, in a loop unrolled four times.
  expect_made_right({"fft_conv_backward", shape(9, 1, 2048), "normal(0,1)"}, backward);
  expect_made_right(
      {"fft_conv_backward", shape(1, 1, 8192), "normal(0,1)"},
      [](const Problem& p, int arch) { return staged_backward_as_ptx(p, arch, 512); });
}

// 8 blocks of 256 threads have 2048 elements a trip: five to eight trips, as loops are unrolled
// four times.
TEST(Ptx, OfTheLaunchesAroundCufftIsRight) {
  const sb::testing::OneMultiprocessor small;
  for (const bool complex : {false, true}) {
    const auto make = [=](const Problem& p, int arch) { return unfused_as_ptx(p, arch, complex); };
    for (const Dtype dtype : kDtypes) {
      for (const char* gated : {"false", "true"}) {
        const Given params =
            shape(13, 18, 64, {{"gated", gated}, {"l", "51"}, {"lk", "17"}, {"sparsity", "30"}});
        expect_made_right({"fft_conv", params, fill_of(dtype), 1, dtype}, make);
      }
    }
  }
}

// Runs after the tests above.
TEST(Ptx, WasExecutedInstructionByInstruction) {
  // Transforms there and back are one function of a run-time direction: in kernels that go one way
  // only, the other way's twiddle factors are dead.
  constexpr std::string_view kOneWay = "twiddle factors of the other direction";
  EXPECT_THAT(
      sb::testing::unexecuted_instructions(
          {{"monarch_backward", "", 1117, kOneWay},
           {"monarch_convolve_held", "", 927, kOneWay},
           {"monarch_convolve", "", 818, kOneWay},
           {"monarch_spectra", "", 584, kOneWay},
           {"monarch_sum", "", 531, kOneWay},
           {"staged_inner", "", 2147,
            "inner transforms of 1024 points and more: stages of 32 with twiddle factors, unrolled "
            "loops of four trips"},
           {"staged_outer", "", 1473, "16-bit sequences without gates, once a row of a column"},
           {"clear_bins", "", 69, "a second trip: more channels than the cases have"},
           {"", "", 4, "the way out of a loop after one to three trips of an unrolled one"}}),
      ::testing::IsEmpty())
      << "of " << sb::testing::instructions_of_all_kernels();
}

}  // namespace
}  // namespace sb::fft_conv
