// Every variant of tensor_bleu on golden values from NLTK, on the hard fills against the reference,
// and against planted bugs; the released semantics on its published behaviour.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "suites/tensor_bleu/bleu.h"
#include "suites/tensor_bleu/fills.h"
#include "testing/check_case.h"

namespace sb::tensor_bleu {
namespace {

using nlohmann::json;
using sb::testing::Case;
using Given = std::map<std::string, std::string>;
using Row = std::vector<std::int64_t>;

// A batch given row by row, padded with 0.
class Batch {
 public:
  Batch(const std::vector<Row>& candidates, const std::vector<std::vector<Row>>& references,
        Given params)
      : op_(Registry::instance().find_operation("tensor_bleu")) {
    std::size_t s = 1;
    for (const Row& row : candidates) s = std::max(s, row.size());
    for (const auto& refs : references) {
      for (const Row& row : refs) s = std::max(s, row.size());
    }
    params["b"] = std::to_string(candidates.size());
    params["s"] = std::to_string(s);
    params["refs"] = std::to_string(references.front().size());
    problem = {.params = Params(op_->params(), params), .dtype = Dtype::kI64, .threads = 2};
    for (const Row& row : candidates) append(row, s, candidates_);
    for (const auto& refs : references) {
      for (const Row& row : refs) append(row, s, references_);
    }
    scores.resize(candidates.size());
    counts.resize(candidates.size() * static_cast<std::size_t>(Shape(problem).count_columns()));
  }

  void run(const Variant& variant) {
    std::fill(scores.begin(), scores.end(), std::nan(""));
    corpus = std::nan("");
    std::fill(counts.begin(), counts.end(), -1);
    variant.make(problem)->run(operands());
  }
  Operands operands() {
    return Operands(
        {candidates_.data(), references_.data(), scores.data(), &corpus, counts.data()});
  }
  std::vector<Expected> reference() { return op_->reference(problem, operands()); }

  Problem problem;
  std::vector<double> scores;
  double corpus = 0;
  std::vector<std::int64_t> counts;

 private:
  static void append(const Row& row, std::size_t s, Row& rows) {
    rows.insert(rows.end(), row.begin(), row.end());
    rows.resize(rows.size() + s - row.size(), 0);
  }

  const Operation* op_;
  Row candidates_;
  Row references_;
};

std::vector<const Variant*> variants() {
  std::vector<const Variant*> runnable;
  for (const Variant* v : Registry::instance().variants_of("tensor_bleu")) {
    if (v->device != Device::kCpu) continue;
    const std::string why = why_isa_unavailable(v->isa);
    if (why.empty()) {
      runnable.push_back(v);
    } else {
      std::cout << "skipped " << v->full_name() << ": " << why << "\n";
    }
  }
  return runnable;
}

const json& golden() {
  static const json document =
      json::parse(std::ifstream(SB_SOURCE_DIR "/suites/tensor_bleu/golden_nltk.json"));
  return document;
}

// NLTK's number, or NaN where it raises.
double number(const json& value) { return value.is_null() ? std::nan("") : value.get<double>(); }

void expect_close(double got, double want, const std::string& where) {
  if (std::isnan(want)) {
    EXPECT_TRUE(std::isnan(got)) << where << ": " << got << " where NLTK raises";
  } else {
    EXPECT_LE(std::abs(got - want), 1e-12 * std::abs(want)) << where << ": " << got << " " << want;
  }
}

Batch batch_of(const json& corpus, const json& entry) {
  return Batch(corpus["candidates"].get<std::vector<Row>>(),
               corpus["references"].get<std::vector<std::vector<Row>>>(),
               {{"smoothing", entry["smoothing"]},
                {"weights", entry["weights"]},
                {"auto_reweigh", entry["auto_reweigh"].get<bool>() ? "true" : "false"}});
}

TEST(TensorBleu, EveryVariantGivesNltksScoresForEverySmoothingAndWeighting) {
  ASSERT_GT(golden()["cases"].size(), 10u);
  for (const json& corpus : golden()["cases"]) {
    for (const json& entry : corpus["scores"]) {
      Batch batch = batch_of(corpus, entry);
      for (const Variant* variant : variants()) {
        batch.run(*variant);
        const std::string where = variant->name + ", " + corpus["name"].get<std::string>() + ", " +
                                  batch.problem.params.text();
        for (std::size_t i = 0; i < batch.scores.size(); ++i) {
          expect_close(batch.scores[i], number(entry["sentences"][i]), where);
        }
        expect_close(batch.corpus, number(entry["corpus"]), where + ", corpus");
      }
    }
  }
}

TEST(TensorBleu, ReferenceGivesNltksScores) {
  for (const json& corpus : golden()["cases"]) {
    for (const json& entry : corpus["scores"]) {
      Batch batch = batch_of(corpus, entry);
      const std::vector<Expected> expected = batch.reference();
      for (std::size_t i = 0; i < batch.scores.size(); ++i) {
        expect_close(expected[0].value[i], number(entry["sentences"][i]), corpus["name"]);
      }
      expect_close(expected[1].value[0], number(entry["corpus"]), corpus["name"]);
    }
  }
}

TEST(TensorBleu, EveryVariantGivesNltksCountsExactly) {
  for (const json& corpus : golden()["cases"]) {
    Batch batch(corpus["candidates"].get<std::vector<Row>>(),
                corpus["references"].get<std::vector<std::vector<Row>>>(),
                {{"weights", "uniform5"}});
    Row want;
    for (const json& row : corpus["counts"]) {
      const auto values = row.get<Row>();
      want.insert(want.end(), values.begin(), values.end());
    }
    for (const Variant* variant : variants()) {
      batch.run(*variant);
      EXPECT_EQ(batch.counts, want) << variant->name << ", " << corpus["name"];
    }
  }
}

// scripts/golden/fill.py makes the sentences that NLTK is timed on: they have to be ours.
TEST(TensorBleu, PythonAndThisProgramFillAlike) {
  const auto found = std::find_if(golden()["cases"].begin(), golden()["cases"].end(),
                                  [](const json& c) { return c["name"] == "fill edited"; });
  ASSERT_NE(found, golden()["cases"].end());
  const Operation* op = Registry::instance().find_operation("tensor_bleu");
  const Problem problem{
      .params = Params(op->params(), {{"b", "3"}, {"s", "64"}, {"refs", "2"}, {"vocab", "100"}}),
      .dtype = Dtype::kI64};
  Row candidates(3 * 64);
  Row references(3 * 2 * 64);
  fill_tokens(problem, op->default_fill(), 1, candidates.data(), references.data());
  Row want_candidates;
  Row want_references;
  for (std::size_t i = 0; i < 3; ++i) {
    const auto candidate = (*found)["candidates"][i].get<Row>();
    want_candidates.insert(want_candidates.end(), candidate.begin(), candidate.end());
    for (const json& row : (*found)["references"][i]) {
      const auto reference = row.get<Row>();
      want_references.insert(want_references.end(), reference.begin(), reference.end());
    }
  }
  EXPECT_EQ(candidates, want_candidates);
  EXPECT_EQ(references, want_references);
}

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
      for (const Variant* variant : variants()) {
        ASSERT_EQ(why_not(*variant, c.problem()), "");
        c.run(*variant);
        EXPECT_EQ(c.fault(), "") << variant->name << " " << c.problem().params.text() << " "
                                 << hard.fill << " threads " << threads;
      }
    }
  }
}

TEST(TensorBleu, EveryPlantedBugIsCaughtOnSomeHardCase) {
  std::map<std::string, int> caught;
  for (const Hard& hard : hard_cases()) {
    Case c("tensor_bleu", hard.params, hard.fill, 1, Dtype::kI64);
    c.store_expected();
    ASSERT_EQ(c.fault(), "") << "the reference must pass itself";
    for (const Mutant& mutant : c.op().mutants()) {
      c.store_expected();
      mutant.corrupt(c.problem(), c.operands());
      caught[mutant.name] += c.fault().empty() ? 0 : 1;
    }
  }
  for (const auto& [name, times] : caught) EXPECT_GT(times, 0) << name;
}

// The released rules by hand: candidate 1 2 3 and seven misses against 1 ... 10 has the precisions
// 3/10, 2/9, 1/8 and 0/7.
TEST(TensorBleu, ReleasedSemanticsSmoothTheirOwnWay) {
  const std::vector<Row> candidate = {{1, 2, 3, 21, 22, 23, 24, 25, 26, 27}};
  const std::vector<std::vector<Row>> reference = {{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}}};
  const double three = 3.0 / 10 * 2 / 9 / 8;  // product of the first three precisions
  const std::map<std::string, std::pair<double, double>> want = {
      // sentence, corpus
      {"method0", {std::pow(three * 1e-12, 0.25), std::pow(three * 1e-12, 0.25)}},
      {"method1", {std::pow(three * 0.1 / 7, 0.25), std::pow(three * 0.1 / 7, 0.25)}},
      {"method2",
       {std::pow(4.0 / 11 * 3 / 10 * 2 / 9 / 8, 0.25),
        std::pow(4.0 / 11 * 3 / 10 * 2 / 9 / 8, 0.25)}},
      {"method3", {std::pow(three * 2e-12, 0.25), std::pow(three / 16, 0.25)}},
  };
  for (const auto& [smoothing, scores] : want) {
    Batch batch(candidate, reference, {{"semantics", "released"}, {"smoothing", smoothing}});
    for (const Variant* variant : variants()) {
      batch.run(*variant);
      // 1e-12 is added to every precision, and the corpus form does so for method0 only.
      EXPECT_NEAR(batch.scores[0] / scores.first, 1, 1e-10) << variant->name << " " << smoothing;
      EXPECT_NEAR(batch.corpus / scores.second, 1, 1e-10) << variant->name << " " << smoothing;
    }
  }
}

TEST(TensorBleu, ReleasedSemanticsGiveALengthTieToTheFirstReference) {
  Row twelve(12), thirteen(13), eleven(11);
  for (Row* row : {&twelve, &thirteen, &eleven}) {
    for (std::size_t i = 0; i < row->size(); ++i) (*row)[i] = static_cast<std::int64_t>(i + 1);
  }
  for (const Variant* variant : variants()) {
    Batch released({twelve}, {{thirteen, eleven}}, {{"semantics", "released"}});
    released.run(*variant);
    EXPECT_NEAR(released.scores[0], std::exp(1 - 13.0 / 12), 1e-11);
    Batch nltk({twelve}, {{thirteen, eleven}}, {});
    nltk.run(*variant);
    EXPECT_EQ(nltk.scores[0], 1);
  }
}

TEST(TensorBleu, ReleasedCorpusSkipsAnOrderForWhichOneCandidateIsTooShort) {
  // The second candidate has 2 tokens, so orders 3 and 4 have neither matches nor n-grams.
  const std::vector<Row> candidates = {{1, 2, 3, 4, 5}, {1, 2}};
  const std::vector<std::vector<Row>> references = {{{1, 2, 3, 4, 5}}, {{1, 2, 9, 9}}};
  Batch batch(candidates, references, {{"semantics", "released"}, {"smoothing", "method1"}});
  for (const Variant* variant : variants()) {
    batch.run(*variant);
    const double want = std::exp(1 - 9.0 / 7) * std::pow(0.1 * 0.1, 0.25);
    EXPECT_NEAR(batch.corpus, want, 1e-12) << variant->name;
  }
}

TEST(TensorBleu, ReleasedCorpusLeavesOutAReferencePlaceThatIsTooShortInOneSentence) {
  // The second reference has 1 token, so from order 2 on the first one does not count either.
  const std::vector<Row> candidates = {{1, 2, 3, 4}, {5, 6, 7, 8}};
  const std::vector<std::vector<Row>> references = {{{1, 2, 3, 4}}, {{5}}};
  Batch batch(candidates, references, {{"semantics", "released"}, {"smoothing", "method1"}});
  for (const Variant* variant : variants()) {
    batch.run(*variant);
    const double want = std::pow(5.0 / 8 * (0.1 / 6) * (0.1 / 4) * (0.1 / 2), 0.25);
    EXPECT_NEAR(batch.corpus, want, 1e-12) << variant->name;
  }
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
