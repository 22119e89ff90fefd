// From made-up samples and made-up ceilings to what a row says.
#include "measure/row_figures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fake_operation.h"
#include "measure/roof.h"

namespace sb {
namespace {

using ::testing::HasSubstr;

const Twice operation;  // 1000 FLOP, 2000 compulsory bytes

Group group_of(CacheState cache = CacheState::kCold) {
  Group group;
  group.op = &operation;
  group.cache = cache;
  return group;
}

Peaks peaks_of() {
  const auto bandwidth = [](const char* id, const char* level, const char* kind, double value) {
    return Roof{.id = id, .level = level, .kind = kind, .value = value};
  };
  return {.level_bytes = {1024, 4096, 1 << 20},
          .roofs = {bandwidth("mem/copy/t1", "mem", "copy", 10e9),
                    bandwidth("mem/read/t1", "mem", "read", 8e9),
                    bandwidth("mem/write_nt/t1", "mem", "write_nt", 90e9),
                    bandwidth("mem/copy_nt/t1", "mem", "copy_nt", 20e9),
                    bandwidth("L1/copy/t1", "L1", "copy", 100e9),
                    {.id = "fma/scalar/f32/t1",
                     .is_flops = true,
                     .kind = "fma",
                     .isa = "scalar",
                     .dtype = "f32",
                     .value = 10e9}}};
}

Row figures(const std::vector<double>& ns, const Group& group = group_of(),
            const Variant& variant = {}) {
  const Peaks peaks = peaks_of();
  Row row;
  fill_figures(row, group, variant, {.ns_per_call = ns, .stop_reason = "rounds"}, &peaks);
  return row;
}

TEST(Figures, CompareTheCompulsoryBytesWithTheFastestRoofOfTheLevel) {
  const Row row = figures({400, 400, 400, 400, 400, 400});  // 2000 B take 200 ns at 10 GB/s
  EXPECT_EQ(row.roof_id, "mem/copy/t1");
  EXPECT_EQ(row.bound, "memory");
  EXPECT_NEAR(row.pct_roof.value_or(0), 50, 1e-9);
  EXPECT_EQ(row.status, "ok");
}

TEST(Figures, HoldStreamingVariantsToTheRoofOfStreamingStores) {
  Variant streaming;
  streaming.streams = true;
  const Row row = figures({400, 400, 400, 400, 400, 400}, group_of(), streaming);
  EXPECT_EQ(row.roof_id, "mem/copy_nt/t1");
  EXPECT_NEAR(row.pct_roof.value_or(0), 25, 1e-9);
}

TEST(Figures, FindTheRoofThatBinds) {
  const Row row = figures({400, 400, 400, 400, 400, 400}, group_of(CacheState::kWarm));
  EXPECT_EQ(row.roof_id, "fma/scalar/f32/t1") << "100 ns of arithmetic, 20 ns of L1";
  EXPECT_EQ(row.bound, "compute");
  EXPECT_NEAR(row.pct_roof.value_or(0), 25, 1e-9);
}

// Caches of 1024, 4096 and 2^20 B, one thread.
TEST(Figures, TakeASetThatFitsACacheButForAFifthAsInside) {
  const Peaks peaks = peaks_of();
  EXPECT_EQ(level_of(1024 * 1.25, group_of(CacheState::kWarm), peaks), "L1");
  EXPECT_EQ(level_of(1024 * 1.25 + 1, group_of(CacheState::kWarm), peaks), "L2");
  EXPECT_EQ(level_of((1 << 20) * 1.3, group_of(CacheState::kWarm), peaks), "mem");
}

TEST(Figures, CallARowFasterThanItsRoofImplausible) {
  EXPECT_EQ(figures({195, 195, 195, 195, 195, 195}).status, "ok")
      << "102.6 %: the roof has a spread";
  const Row row = figures({190, 190, 190, 190, 190, 190});
  EXPECT_EQ(row.status, "implausible");
  EXPECT_THAT(row.reason, HasSubstr("mem/copy/t1"));
}

TEST(Figures, CallAWideIntervalNoisyAndKeepItsTime) {
  const Row row = figures({400, 400, 400, 430, 430, 430});
  EXPECT_EQ(row.status, "noisy");
  EXPECT_THAT(row.reason, HasSubstr("7.2 % wide"));
  EXPECT_EQ(row.time_lo_ns, 400);
  EXPECT_EQ(row.time_hi_ns, 430);
}

TEST(Figures, OfNoSampleAreATimeoutAndOfAFailureACrash) {
  EXPECT_EQ(figures({}).status, "timeout");
  Row row;
  fill_figures(row, group_of(), {}, {.ns_per_call = {1}, .failure = "broke"}, nullptr);
  EXPECT_EQ(row.status, "crashed");
  EXPECT_EQ(row.reason, "broke");
  EXPECT_FALSE(row.time_median_ns);
}

// Variants a@avx2 (300 ns), a@avx512 (200 ns), b@avx2 (100 ns).
class Baseline : public ::testing::Test {
 protected:
  Baseline() {
    add("a", Isa::kAvx2, 300);
    add("a", Isa::kAvx512, 200);
    add("b", Isa::kAvx2, 100);
  }
  void add(const std::string& name, Isa isa, double ns) {
    variants_.push_back({.name = name, .isa = isa});
    rows_.emplace_back();
    rows_.back().status = "ok";
    rows_.back().time_median_ns = ns;
  }
  int of(std::size_t contender, const std::string& wanted) const {
    std::vector<Contender> contenders;
    for (std::size_t i = 0; i < variants_.size(); ++i) {
      contenders.push_back({&variants_[i], &rows_[i], nullptr});
    }
    return baseline_of(contenders, contender, wanted);
  }
  std::vector<Variant> variants_;
  std::vector<Row> rows_;
};

TEST_F(Baseline, IsTheFormOfTheSameInstructionSetElseTheFastest) {
  EXPECT_EQ(of(2, "a"), 0);
  EXPECT_EQ(of(1, "a"), 1);
  EXPECT_EQ(of(0, "a@avx512"), 1);
  EXPECT_EQ(of(1, "b"), 2);
  EXPECT_EQ(of(0, "c"), -1);
}

TEST_F(Baseline, BestOtherIsTheFastestOfTheOthers) {
  EXPECT_EQ(of(0, "best_other"), 2);
  EXPECT_EQ(of(2, "best_other"), 1);
}

TEST_F(Baseline, IsNeverARowThatCannotBeTrusted) {
  rows_[2].status = "implausible";
  EXPECT_EQ(of(0, "best_other"), 1);
  rows_[1].time_median_ns.reset();
  EXPECT_EQ(of(0, "best_other"), -1);
}

}  // namespace
}  // namespace sb
