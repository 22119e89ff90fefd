#include "core/dtype.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace sb {
namespace {

TEST(Dtype, EverySixteenBitNumberSurvivesTheRoundTripThroughFloat) {
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const float as_bf16 = bf16_to_float(half);
    const float as_f16 = f16_to_float(half);
    EXPECT_TRUE(std::isnan(as_bf16) || float_to_bf16(as_bf16) == half) << bits;
    EXPECT_TRUE(std::isnan(as_f16) || float_to_f16(as_f16) == half) << bits;
  }
}

TEST(Dtype, HalfwayValuesRoundToEven) {
  EXPECT_EQ(round_to(Dtype::kF16, 1 + 0x1p-11), 1.0);
  EXPECT_EQ(round_to(Dtype::kF16, 1 + 3 * 0x1p-11), 1 + 0x1p-9);
  EXPECT_EQ(round_to(Dtype::kBf16, 1 + 0x1p-8), 1.0);
  EXPECT_EQ(round_to(Dtype::kBf16, 1 + 3 * 0x1p-8), 1 + 0x1p-6);
  EXPECT_EQ(round_to(Dtype::kF16, 0x1p-25), 0.0);              // half of the smallest subnormal
  EXPECT_EQ(round_to(Dtype::kF16, 3 * 0x1p-25), 2 * 0x1p-24);  // one and a half of it
}

TEST(Dtype, OverflowBecomesInfinityAndNanStaysNan) {
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(round_to(Dtype::kF16, 65519.99), 65504.0);
  EXPECT_EQ(round_to(Dtype::kF16, 65520.0), infinity);
  EXPECT_EQ(round_to(Dtype::kF16, -1e9), -infinity);
  EXPECT_TRUE(std::isnan(round_to(Dtype::kF16, std::nan(""))));
  EXPECT_TRUE(std::isnan(round_to(Dtype::kBf16, std::nan(""))));
}

}  // namespace
}  // namespace sb
