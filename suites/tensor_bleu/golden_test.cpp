// Every variant of tensor_bleu on golden values from NLTK, made by scripts/golden/bleu_values.py.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "suites/tensor_bleu/batch_test.h"
#include "suites/tensor_bleu/fills.h"

namespace sb::tensor_bleu {
namespace {

using nlohmann::json;

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
      for (const Variant* variant : cpu_variants()) {
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
    for (const Variant* variant : cpu_variants()) {
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

}  // namespace
}  // namespace sb::tensor_bleu
