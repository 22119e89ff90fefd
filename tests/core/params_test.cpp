#include "core/params.h"

#include <gtest/gtest.h>

namespace sb {
namespace {

const std::vector<ParamSpec> kSpecs = {
    {.name = "rows",
     .doc = "independent rows",
     .min = 1,
     .max = 100,
     .choices = {},
     .default_value = ""},
    {.name = "causal", .doc = "mask", .choices = {"none", "top_left"}, .default_value = "none"},
};

std::string error_of(const std::map<std::string, std::string>& values) {
  try {
    Params params(kSpecs, values);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

TEST(Params, TextLeavesOutDefaultsSoThatOldIdentitiesStayValid) {
  EXPECT_EQ(Params(kSpecs, {{"rows", "3"}}).text(), "rows=3");
  EXPECT_EQ(Params(kSpecs, {{"rows", "3"}, {"causal", "none"}}).text(), "rows=3");
  EXPECT_EQ(Params(kSpecs, {{"rows", "3"}, {"causal", "top_left"}}).text(),
            "causal=top_left;rows=3");
}

TEST(Params, GivesDefaultsByName) {
  EXPECT_EQ(Params(kSpecs, {{"rows", "3"}}).word("causal"), "none");
  EXPECT_EQ(Params(kSpecs, {{"rows", "3"}}).integer("rows"), 3);
}

TEST(Params, ErrorsNameTheWordAndTheCure) {
  EXPECT_EQ(error_of({{"rows", "3"}, {"casual", "none"}}),
            "unknown parameter \"casual\"; did you mean \"causal\"?");
  EXPECT_EQ(error_of({}), "parameter \"rows\" is missing (independent rows)");
  EXPECT_EQ(error_of({{"rows", "101"}}), "rows = 101 is outside 1 to 100");
  EXPECT_EQ(error_of({{"rows", "3x"}}), "\"3x\" is not an integer, as rows must be");
  EXPECT_EQ(error_of({{"rows", "3"}, {"causal", "left"}}),
            "\"left\" is not a value of causal; use one of none, top_left");
}

TEST(Nearest, FindsTheWordOneSlipAway) {
  EXPECT_EQ(nearest("sofmax", {"softmax", "attention"}), "softmax");
  EXPECT_EQ(nearest("zebra", {"softmax", "attention"}), "");
}

}  // namespace
}  // namespace sb
