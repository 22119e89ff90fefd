#include "core/registry.h"

#include <gtest/gtest.h>

#include "core/fill.h"
#include "core/row.h"

namespace sb {
namespace {

TEST(Glob, StarAndQuestionMarkMatchAsInAShell) {
  EXPECT_TRUE(glob_match("*", ""));
  EXPECT_TRUE(glob_match("two_*", "two_pass_stream"));
  EXPECT_TRUE(glob_match("*pass*", "two_pass_stream"));
  EXPECT_TRUE(glob_match("a?c", "abc"));
  EXPECT_FALSE(glob_match("a?c", "ac"));
  EXPECT_FALSE(glob_match("two_*_x", "two_pass_stream"));
}

TEST(Registry, RefusesASecondVariantOfTheSameName) {
  Registry registry;
  const Variant variant{.op = "op", .name = "v", .source = "a.cpp"};
  registry.add(variant);
  EXPECT_THROW(registry.add(variant), std::logic_error);
}

TEST(Registry, ListsByNameWhateverTheOrderOfRegistration) {
  Registry registry;
  registry.add(Variant{.op = "op", .name = "b", .source = ""});
  registry.add(Variant{.op = "op", .name = "a", .isa = Isa::kAvx2, .source = ""});
  registry.add(Variant{.op = "op", .name = "a", .source = ""});
  std::string names;
  for (const Variant* v : registry.variants_of("op")) names += v->full_name() + " ";
  EXPECT_EQ(names, "op/a@scalar op/a@avx2 op/b@scalar ");
}

TEST(Fill, ParsesItsOwnText) {
  for (const char* text : {"normal(0,4)", "uniform(-1000,1000)", "constant(3)", "ascending"}) {
    EXPECT_EQ(parse_fill(text, {"ascending"}).text(), text);
  }
  for (const char* text :
       {"normal(0)", "uniform(1,0)", "normal(a,b)", "", "constant(nan)", "descending"}) {
    EXPECT_THROW(parse_fill(text, {"ascending"}), std::invalid_argument) << text;
  }
}

TEST(Columns, EveryColumnReadsBackWhatItPrints) {
  for (const Column& column : columns()) {
    Row row;
    ASSERT_EQ(column.set(row, "42"), "") << column.name;
    EXPECT_EQ(column.get(row), "42") << column.name;
    ASSERT_EQ(column.set(row, ""), "") << column.name;
    EXPECT_EQ(column.get(row), "") << column.name;
  }
}

TEST(Columns, ANumberThatIsNoMeasurementIsRefused) {
  Row row;
  for (const Column& column : columns()) {
    if (column.name != "time_median_ns") continue;
    EXPECT_NE(column.set(row, "nan"), "");
    EXPECT_NE(column.set(row, "inf"), "");
    EXPECT_NE(column.set(row, "1.5 ns"), "");
  }
}

}  // namespace
}  // namespace sb
