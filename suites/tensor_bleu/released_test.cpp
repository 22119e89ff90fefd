// The released TensorBLEU's own rules, where they differ from NLTK's (README.md lists them).
#include <gtest/gtest.h>

#include "suites/tensor_bleu/batch_test.h"

namespace sb::tensor_bleu {
namespace {

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
    for (const Variant* variant : cpu_variants()) {
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
  for (const Variant* variant : cpu_variants()) {
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
  for (const Variant* variant : cpu_variants()) {
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
  for (const Variant* variant : cpu_variants()) {
    batch.run(*variant);
    const double want = std::pow(5.0 / 8 * (0.1 / 6) * (0.1 / 4) * (0.1 / 2), 0.25);
    EXPECT_NEAR(batch.corpus, want, 1e-12) << variant->name;
  }
}

}  // namespace
}  // namespace sb::tensor_bleu
