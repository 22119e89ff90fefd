#include "machine/roof_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "machine/peak_kernels.h"

namespace sb {
namespace {

const Roof kScalar{.id = "fma/scalar/f32/t1",
                   .is_flops = true,
                   .kind = "fma",
                   .isa = "scalar",
                   .dtype = "f32",
                   .value = 1};

TEST(RoofLoop, OfAMeasuredCeilingRunsItAgain) {
  const auto loop = roof_loop(kScalar);
  ASSERT_NE(loop, nullptr);
  EXPECT_EQ(loop->roof().id, kScalar.id);
  EXPECT_EQ(loop->amount(), flop_kernels().front().flops_per_iteration);
  EXPECT_GT(loop->seconds(1000), 0);
}

TEST(RoofLoop, CountsEveryByteOfTheArraysThatItTouches) {
  const auto copy =
      roof_loop({.id = "L1/copy/t1", .level = "L1", .kind = "copy", .threads = 1, .value = 1});
  const auto read =
      roof_loop({.id = "L1/read/t1", .level = "L1", .kind = "read", .threads = 1, .value = 1});
  ASSERT_NE(copy, nullptr);
  ASSERT_NE(read, nullptr);
  EXPECT_EQ(copy->roof().id, "L1/copy/t1");
  EXPECT_NEAR(copy->amount(), read->amount(), 2 * 8 * 128);  // one array of n, two of n/2
}

TEST(RoofLoop, IsMissingForWhatThisMachineDidNotMeasure) {
  Roof declared = kScalar;
  declared.source = "declared";
  EXPECT_EQ(roof_loop(declared), nullptr);
  Roof gpu = kScalar;
  gpu.device = "cuda";
  EXPECT_EQ(roof_loop(gpu), nullptr);
  EXPECT_EQ(roof_loop({.id = "L9/read/t1", .level = "L9", .kind = "read"}), nullptr);
}

}  // namespace
}  // namespace sb
