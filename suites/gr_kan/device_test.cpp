// The CUDA kernels of GR-KAN on fibers are right in four schedules.
#include "suites/gr_kan/device_test.h"
#include "testing/schedules.h"

namespace sb::gr_kan {
namespace {

using sb::testing::Case;

class EverySchedule : public sb::testing::Scheduled {
 protected:
  static void expect_all_right(Case c) {
    for (const Variant* v : Registry::instance().variants_of(c.op().name())) {
      if (v->device != Device::kSimt) continue;
      c.run(*v);
      EXPECT_EQ(c.fault(), "") << v->full_name() << " " << c.problem().params.text();
    }
  }
};

INSTANTIATE_TEST_SUITE_P(GrKan, EverySchedule, sb::testing::every_schedule(),
                         sb::testing::name_of_schedule);

TEST_P(EverySchedule, SmallShapesAreRightForManySeeds) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    use(seed);
    expect_all_right(given("gr_kan", 3, 8, 4));
    expect_all_right(given("gr_kan_backward", 3, 8, 4));
    expect_all_right(given("gr_kan_backward", 3, 8, 4, "shared"));
  }
}

// 65 rows: a tile and a row; 24 channels a group: six trips of 256 threads through a tile.
TEST_P(EverySchedule, TilesAndTheirRemaindersAreRight) {
  expect_all_right(given("gr_kan", 65, 48, 2));
  expect_all_right(given("gr_kan_backward", 65, 48, 2));
}

// More tiles than persistent blocks: each walks over several.
TEST_P(EverySchedule, PersistentBlocksWalkOverTheirTiles) {
  Case c = given("gr_kan_backward", 64 * 64 * 5 + 1, 2, 1);
  for (const Variant* v : Registry::instance().variants_of("gr_kan_backward")) {
    if (v->device != Device::kSimt || v->name != "persistent") continue;
    c.run(*v);
    EXPECT_EQ(c.fault(), "");
  }
}

TEST(Persistent, GivesTheSameBitsInEverySchedule) {
  Case c = given("gr_kan_backward", 300, 16, 2);
  const simt::Schedule before = simt::current_schedule();
  std::vector<std::vector<unsigned char>> bits;
  for (const Variant* v : Registry::instance().variants_of("gr_kan_backward")) {
    if (v->device != Device::kSimt || v->name != "persistent") continue;
    for (const simt::Order order : simt::kAllOrders) {
      simt::current_schedule() = {.order = order, .seed = 3};
      c.run(*v);
      bits.push_back(c.output_bits());
    }
  }
  simt::current_schedule() = before;
  ASSERT_EQ(bits.size(), simt::kAllOrders.size());
  for (const auto& other : bits) EXPECT_EQ(other, bits[0]);
}

}  // namespace
}  // namespace sb::gr_kan
