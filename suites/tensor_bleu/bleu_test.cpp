// Every variant of tensor_bleu on the hard fills against the reference, and against planted bugs.
#include <gtest/gtest.h>

#include "suites/tensor_bleu/batch_test.h"
#include "testing/mutant_hunt.h"

namespace sb::tensor_bleu {
namespace {

using sb::testing::Case;

struct Hard {
  Given params;
  std::string fill;
};

std::vector<Hard> hard_cases() {
  const auto shape = [](std::string b, std::string s, std::string refs, std::string vocab,
                        Given more = {}) {
    Given given = {{"b", std::move(b)},
                   {"s", std::move(s)},
                   {"refs", std::move(refs)},
                   {"vocab", std::move(vocab)}};
    given.merge(more);
    return given;
  };
  std::vector<Hard> cases = {
      {shape("1", "1", "1", "1"), ""},
      {shape("9", "33", "1", "20"), ""},
      {shape("5", "100", "3", "10", {{"smoothing", "method3"}}), ""},
      {shape("3", "1024", "1", "32000"), ""},
      {shape("40", "12", "2", "5", {{"smoothing", "method4"}, {"pad", "-1"}}), "ragged"},
      {shape("40", "9", "2", "5", {{"auto_reweigh", "true"}}), "ragged"},
      {shape("40", "20", "4", "30", {{"smoothing", "method2"}}), "ties"},
      {shape("40", "20", "4", "30", {{"semantics", "released"}}), "ties"},
      {shape("10", "50", "2", "10", {{"smoothing", "method5"}}), "interior_pads"},
      {shape("10", "50", "2", "10", {{"semantics", "released"}, {"smoothing", "method3"}}),
       "interior_pads"},
      {shape("20", "7", "3", "5", {{"semantics", "released"}, {"smoothing", "method2"}}), "ragged"},
      {shape("4", "300", "2", "10"), "repeated"},
      {shape("4", "60", "2", "10", {{"smoothing", "method2"}}), "disjoint"},
      {shape("4", "60", "2", "10", {{"semantics", "released"}}), "disjoint"},
      {shape("8", "64", "2", "30", {{"smoothing", "method7"}, {"weights", "decay4"}}), "big_ids"},
      {shape("6", "40", "2", "8", {{"weights", "uniform5"}, {"smoothing", "method6"}}), ""},
      {shape("6", "40", "2", "8", {{"weights", "uniform2"}, {"smoothing", "method0"}}),
       "uniform(-5,5)"},
  };
  return cases;
}

TEST(TensorBleu, EveryVariantMeetsTheReferenceOnEveryHardCase) {
  for (const Hard& hard : hard_cases()) {
    for (const int threads : {1, 2, 3}) {
      Case c("tensor_bleu", hard.params, hard.fill, threads, Dtype::kI64);
      ASSERT_EQ(c.op().why_not(c.problem()), "");
      for (const Variant* variant : cpu_variants()) {
        ASSERT_EQ(why_not(*variant, c.problem()), "");
        c.run(*variant);
        EXPECT_EQ(c.fault(), "") << variant->name << " " << c.problem().params.text() << " "
                                 << hard.fill << " threads " << threads;
      }
    }
  }
}

TEST(TensorBleu, EveryPlantedBugIsCaughtOnSomeHardCase) {
  sb::testing::MutantHunt hunt;
  for (const Hard& hard : hard_cases()) {
    Case c("tensor_bleu", hard.params, hard.fill, 1, Dtype::kI64);
    hunt.show(c);
  }
  hunt.expect_no_survivor();
}

TEST(TensorBleu, RefusesWhatTheReleasedCodeDoesNotKnow) {
  const Operation* op = Registry::instance().find_operation("tensor_bleu");
  const auto why = [op](Given more) {
    more.merge(Given{{"b", "1"}, {"s", "8"}});
    return op->why_not(Problem{.params = Params(op->params(), more), .dtype = Dtype::kI64});
  };
  EXPECT_NE(why({{"semantics", "released"}, {"smoothing", "method4"}}), "");
  EXPECT_NE(why({{"semantics", "released"}, {"auto_reweigh", "true"}}), "");
  EXPECT_NE(why({{"smoothing", "method6"}, {"weights", "uniform2"}}), "");
  EXPECT_EQ(why({}), "");
}

}  // namespace
}  // namespace sb::tensor_bleu
