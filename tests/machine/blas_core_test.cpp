#include "machine/blas_core.h"

#include <gtest/gtest.h>

namespace sb {
namespace {

TEST(BlasCore, IsCorrectedWhereOpenBlasFellBackToItsOldestOnANewerProcessor) {
  EXPECT_EQ(better_blas_core("Prescott", true, true), "SkylakeX");
  EXPECT_EQ(better_blas_core("Prescott", true, false), "Haswell");
}

TEST(BlasCore, IsLeftAloneWhereOpenBlasKnowsTheProcessorOrTheProcessorIsThatOld) {
  EXPECT_EQ(better_blas_core("Zen", true, true), "");
  EXPECT_EQ(better_blas_core("SkylakeX", true, true), "");
  EXPECT_EQ(better_blas_core("Prescott", false, false), "");
}

}  // namespace
}  // namespace sb
