// Kernels that are wrong in one way each, and the words in which verification says so.
#include "measure/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "fake_operation.h"

namespace sb {
namespace {

using ::testing::HasSubstr;

constexpr std::int64_t kEnd = Twice::kStride + Twice::kCols;  // past the last element

class Verify : public ::testing::Test {
 protected:
  Verify() : set_(operation_.tensors({})) {
    for (std::int64_t i = 0; i < kEnd; ++i) {
      set_.operands().get<float>(0)[i] = static_cast<float>(i % 5);
    }
  }

  template <typename F>
  Verification verdict(F spoil, double tolerance_factor = 1) {
    const std::vector<Expected> expected = operation_.reference({}, set_.operands());
    set_.put_fences();  // the one before may have broken them
    return verify(*twice_and(spoil), set_, expected, tolerance_factor);
  }

  Twice operation_;
  OperandSet set_;
};

TEST_F(Verify, PassesTheRightAnswerWithItsError) {
  const Verification right = verdict([](float*, float*) {});
  EXPECT_TRUE(right.passed) << right.reason;
  EXPECT_EQ(right.err_max_rel, 0);
  EXPECT_EQ(right.tolerance, 1e-6);
}

TEST_F(Verify, NamesTheElementThatIsWrong) {
  const Verification wrong = verdict([](float*, float* y) { y[Twice::kStride + 1] = 3; });
  EXPECT_FALSE(wrong.passed);
  EXPECT_EQ(wrong.reason, "y[9] = 3, expected 4");
  EXPECT_DOUBLE_EQ(wrong.err_max_rel, 0.25);
  EXPECT_EQ(wrong.err_max_abs, 1);
}

TEST_F(Verify, SeesAnElementThatWasNotWritten) {
  const auto forget = [](float*, float* y) { y[3] = std::numeric_limits<float>::quiet_NaN(); };
  EXPECT_THAT(verdict(forget).reason, HasSubstr("y[3] = "));
}

TEST_F(Verify, AsksForExactlyZeroWhereTheScaleIsZero) {
  EXPECT_FALSE(verdict([](float*, float* y) { y[0] = 1e-30F; }).passed);
}

TEST_F(Verify, SeesStoresBesideTheTensor) {
  EXPECT_EQ(verdict([](float*, float* y) { y[-1] = 0; }).reason,
            "writes before the beginning of y");
  EXPECT_EQ(verdict([](float*, float* y) { y[kEnd] = 0; }).reason, "writes past the end of y");
  EXPECT_EQ(verdict([](float*, float* y) { y[Twice::kCols] = 0; }).reason,
            "writes into the gap between rows of y");
}

TEST_F(Verify, SeesAChangedInput) {
  EXPECT_EQ(verdict([](float* x, float*) { x[2] += 1; }).reason, "changes its input x");
}

TEST_F(Verify, GivesALibraryTheRoomItStates) {
  const auto drifted = [](float*, float* y) { y[1] *= 1 + 5e-6F; };
  EXPECT_FALSE(verdict(drifted).passed);
  const Verification roomy = verdict(drifted, 10);
  EXPECT_TRUE(roomy.passed) << roomy.reason;
  EXPECT_DOUBLE_EQ(roomy.tolerance, 1e-5) << "the row says what was allowed";
}

TEST_F(Verify, LetsExceptionsOfTheKernelThrough) {
  EXPECT_THROW(verdict([](float*, float*) { throw std::runtime_error("no"); }), std::runtime_error);
}

}  // namespace
}  // namespace sb
