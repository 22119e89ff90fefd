#include "measure/roof_probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "fake_operation.h"

namespace sb {
namespace {

// 200 FLOP a repetition.
class FakeLoop final : public RoofLoop {
 public:
  FakeLoop() : RoofLoop({.id = "fma/scalar/f32/t1", .is_flops = true}, 200) {}

 private:
  void repeat(int, std::int64_t) override {}
};

std::map<std::string, double> metrics(double work, const std::vector<double>& kernel_ns,
                                      const std::vector<double>& probe_ns) {
  std::map<std::string, double> by_name;
  for (const Metric& metric : probe_metrics(work, kernel_ns, FakeLoop(), probe_ns)) {
    by_name[metric.name] = metric.value;
  }
  return by_name;
}

TEST(RoofProbe, ShareIsFormedWithinTheRoundSoThatANeighbourCancels) {
  // 1000 FLOP are five repetitions: 50 ns at the probe's 10, of 100; in the slow rounds all
  // doubles.
  const auto m = metrics(1000, {100, 200, 100, 200, 100, 200}, {10, 20, 10, 20, 10, 20});
  EXPECT_DOUBLE_EQ(m.at("pct_probe"), 50);
  EXPECT_DOUBLE_EQ(m.at("pct_probe_lo"), 50);
  EXPECT_DOUBLE_EQ(m.at("pct_probe_hi"), 50);
  EXPECT_DOUBLE_EQ(m.at("probe_gflop_per_s"), 200.0 / 15);
}

TEST(RoofProbe, PairsTheRoundsThatBothHave) {
  EXPECT_DOUBLE_EQ(metrics(1000, {100, 100}, {10, 10, 99}).at("pct_probe"), 50);
  EXPECT_TRUE(metrics(1000, {}, {10}).empty());
}

TEST(RoofProbe, OfVariantsUnderOneCeilingIsOneAndNoneWhereNoneIsKnown) {
  const Twice operation;  // 1000 FLOP
  Group group;
  group.op = &operation;
  Variant scalar, native;
  native.isa = Isa::kNative;  // bounded by the fastest ceiling, which is the same here
  Peaks peaks{.roofs = {{.id = "fma/scalar/f32/t1",
                         .is_flops = true,
                         .kind = "fma",
                         .isa = "scalar",
                         .dtype = "f32",
                         .value = 1e9}}};
  RoofProbes probes;
  RoofProbe* const probe = probes.of(group, scalar, peaks);
  ASSERT_NE(probe, nullptr);
  EXPECT_EQ(probes.of(group, native, peaks), probe);
  peaks.roofs[0].source = "declared";
  EXPECT_EQ(RoofProbes().of(group, scalar, peaks), nullptr);
}

TEST(RoofProbe, RaisesTheCeilingThatItWentThroughAndLowersNone) {
  const Peaks peaks{.roofs = {{.id = "fma/scalar/f32/t1", .value = 10e9},
                              {.id = "fma/avx2/f32/t1", .value = 1e9}}};
  EXPECT_NEAR(raised_by(FakeLoop(), {10, 10, 10}, peaks).roofs[0].value, 20e9, 1);  // 200 in 10 ns
  EXPECT_EQ(raised_by(FakeLoop(), {10, 10, 10}, peaks).roofs[1].value, 1e9);
  EXPECT_EQ(raised_by(FakeLoop(), {40, 40, 40}, peaks).roofs[0].value, 10e9);
  EXPECT_EQ(raised_by(FakeLoop(), {}, peaks).roofs[0].value, 10e9);
}

}  // namespace
}  // namespace sb
