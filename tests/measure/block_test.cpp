#include "measure/block.h"

#include <gtest/gtest.h>

#include "tests/measure/fake_operation.h"

namespace sb {
namespace {

class BlockTest : public testing::Test {
 protected:
  Group group(int threads = 1, double min_time_s = 0.02) {
    return {.op = &op_,
            .problem = {.threads = threads},
            .variants = {&variant_},
            .rounds = 10,
            .min_time_s = min_time_s};
  }
  static Block begun_with(const Group& group) {
    Block block(20);
    block.add(group);
    return block;
  }
  static bool takes(const Block& block, const std::vector<Group>& groups) {
    return block.takes(groups);
  }

  Twice op_;
  Variant variant_{.op = "twice", .name = "right"};
};

TEST_F(BlockTest, TakesSmallGroupsOfAnyNumberOfThreads) {
  EXPECT_TRUE(takes(begun_with(group(1)), {group(2)}));
}

TEST_F(BlockTest, TakesTheFirstGroupHoweverLongItLasts) {
  EXPECT_TRUE(takes(Block(20), {group(1, 1000)}));
  EXPECT_FALSE(takes(begun_with(group(1, 1000)), {group()}));
}

TEST_F(BlockTest, EndsBeforeTheGroupThatWouldMakeItTooLong) {
  Block block(20);
  int groups = 0;
  while (takes(block, {group(1, 0.5)}) && groups < 100) {
    block.add(group(1, 0.5));  // ten rounds: 5 s
    ++groups;
  }
  EXPECT_EQ(groups, 4);
}

TEST_F(BlockTest, IsNotBegunWithHalfAWorkload) {
  const Group third = group(1, 0.6);  // 6 s of 20
  EXPECT_TRUE(takes(begun_with(third), {third, third}));
  EXPECT_FALSE(takes(begun_with(third), {third, third, third}));
}

TEST_F(BlockTest, AsksForAllOfAWorkloadWhereItBegins) {
  std::vector<Group> groups(4, group());
  for (std::size_t i = 0; i < groups.size(); ++i) groups[i].workload = i < 1 ? "one" : "other";
  EXPECT_EQ(joining(groups, 0).size(), 1u);
  EXPECT_EQ(joining(groups, 1).size(), 3u);
  EXPECT_EQ(joining(groups, 2).size(), 1u);
}

TEST_F(BlockTest, LeavesAPeerToAGroupOfItsOwn) {
  const Variant external{.op = "twice", .name = "peer:right", .external = true};
  Group alone = group();
  alone.variants.push_back(&external);
  EXPECT_FALSE(takes(begun_with(group()), {alone}));
  EXPECT_FALSE(takes(begun_with(alone), {group()}));
}

TEST_F(BlockTest, ExpectsColdOperandsToFillMoreThanTheLastLevel) {
  Group cold = group();
  cold.cache = CacheState::kCold;
  EXPECT_GT(expected_bytes(cold, 100 << 20), 100 << 20);
  EXPECT_LT(expected_bytes(group(), 100 << 20), 100 << 20);
}

}  // namespace
}  // namespace sb
