#include "measure/cache_state.h"

#include <gtest/gtest.h>

#include <set>

namespace sb {
namespace {

constexpr std::int64_t kCache = 1 << 20;
constexpr std::int64_t kMemory = std::int64_t{1} << 30;

// Whole lines, as a set lays them out.
std::int64_t lines_of(std::int64_t floats) { return (4 * floats + 63) / 64 * 64; }

// x and y of `n` floats, x = 1, 2, 3, ...
OperandSet master_of(std::int64_t n) {
  OperandSet master(
      {{.name = "x", .dims = {n}}, {.name = "y", .dims = {n}, .role = Role::kOutput}});
  for (std::int64_t i = 0; i < n; ++i) {
    master.operands().get<float>(0)[i] = static_cast<float>(i + 1);
  }
  return master;
}

TEST(Warm, StaysOnASetFromCallToCallAndMovesFromRoundToRound) {
  const OperandSet master = master_of(100);
  Rotation rotation(master, CacheState::kWarm, kCache, kMemory);
  EXPECT_FALSE(rotation.rotates());
  std::set<std::uintptr_t> pages;  // offsets in a large page: what decides who meets in a cache set
  for (int round = 0; round < rotation.sets(); ++round) {
    rotation.begin_round(round);
    const float* x = rotation.operands().get<float>(0);
    rotation.advance();
    EXPECT_EQ(rotation.operands().get<float>(0), x);
    EXPECT_EQ(x[99], 100);
    pages.insert(reinterpret_cast<std::uintptr_t>(x) % (2 << 20));
  }
  EXPECT_EQ(rotation.sets() % 2, 1) << "a place would see rounds of one direction only";
  EXPECT_GT(pages.size(), 10u);
}

TEST(Warm, LargeSetsStayWhereTheyWereVerified) {
  const OperandSet master = master_of(5'000'000);
  Rotation rotation(master, CacheState::kWarm, kCache, kMemory);
  rotation.begin_round(1);
  EXPECT_EQ(rotation.operands().get<float>(0), master.operands().get<float>(0));
  EXPECT_EQ(rotation.operands().get<float>(1), master.operands().get<float>(1));
  rotation.touch();
}

class Cold : public ::testing::TestWithParam<std::int64_t> {};

TEST_P(Cold, TouchesMoreThanTheCacheHoldsBeforeItComesBackToALine) {
  const OperandSet master = master_of(GetParam());
  Rotation rotation(master, CacheState::kCold, kCache, kMemory);
  EXPECT_FALSE(rotation.lukewarm());
  const std::int64_t bytes = 2 * lines_of(GetParam());
  std::set<std::uintptr_t> lines;  // of x, which begins a line
  std::uintptr_t before = 0;
  for (std::int64_t set = 0; set < rotation.sets(); ++set) {
    const auto x = reinterpret_cast<std::uintptr_t>(rotation.operands().get<float>(0));
    EXPECT_EQ(x % 64, 0u);
    EXPECT_TRUE(lines.insert(x).second) << "set " << set << " is an earlier one";
    // Who is fetched ahead is not cold. With three sets or fewer everybody is a neighbour.
    if (rotation.sets() > 3) {
      EXPECT_GT(std::max(x, before) - std::min(x, before), 2 * bytes);
    }
    before = x;
    rotation.advance();
  }
  EXPECT_TRUE(lines.contains(reinterpret_cast<std::uintptr_t>(rotation.operands().get<float>(0))));
  EXPECT_GE(rotation.sets() * bytes, kCache * 5 / 4);
}

INSTANTIATE_TEST_SUITE_P(Floats, Cold, ::testing::Values(1, 17, 1000, 100'000, 1'000'000));

TEST(Cold, GivesEverySetTheInputsThatWereVerified) {
  const OperandSet master = master_of(1000);
  Rotation rotation(master, CacheState::kCold, kCache, kMemory);
  for (std::int64_t set = 0; set < rotation.sets(); ++set, rotation.advance()) {
    EXPECT_EQ(rotation.operands().get<float>(0)[0], 1);
    EXPECT_EQ(rotation.operands().get<float>(0)[999], 1000);
    rotation.operands().get<float>(1)[0] = rotation.operands().get<float>(1)[999] = -1;
  }
  EXPECT_EQ(rotation.operands().get<float>(0)[0], 1) << "a set's output lies in another's input";
}

TEST(ColdOutput, KeepsTheInputsWhereTheyAre) {
  const OperandSet master = master_of(1000);
  Rotation rotation(master, CacheState::kColdOutput, kCache, kMemory);
  const float* y = rotation.operands().get<float>(1);
  rotation.advance();
  EXPECT_EQ(rotation.operands().get<float>(0), master.operands().get<float>(0));
  EXPECT_NE(rotation.operands().get<float>(1), y);
  EXPECT_GE(rotation.sets() * lines_of(1000), kCache * 5 / 4);
}

TEST(Cold, AdmitsWhereItCannotBe) {
  const OperandSet master = master_of(1000);
  EXPECT_TRUE(Rotation(master, CacheState::kCold, kCache, kCache).lukewarm());
  EXPECT_TRUE(Rotation(master, CacheState::kCold, 0, kMemory).lukewarm()) << "unknown cache";
}

}  // namespace
}  // namespace sb
