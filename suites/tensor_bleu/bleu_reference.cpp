#include "suites/tensor_bleu/bleu_reference.h"

#include "core/buffer.h"

namespace sb::tensor_bleu {
namespace {

Counts count_item(const Shape& shape, std::span<const Sentence> sentences) {
  Counts counts = lengths_of(shape.rule, sentences);
  for (int n = 1; n <= shape.rule.counted_orders(); ++n) {
    counts.num[static_cast<std::size_t>(n - 1)] =
        plain_numerator(sentences.front(), sentences.subspan(1), n);
  }
  return counts;
}

}  // namespace

Answer answer(const Problem& problem, const Operands& operands, const Bend& bend) {
  Shape shape(problem);
  Answer result;
  result.counts.resize(static_cast<std::size_t>(shape.b));
#pragma omp parallel
  {
    const Buffer workspace(SentenceReader::bytes(shape));
    SentenceReader reader(shape, workspace.data());
#pragma omp for schedule(dynamic)
    for (std::int64_t i = 0; i < shape.b; ++i) {
      reader.read(operands, i);
      std::vector<Sentence> sentences(reader.sentences().begin(), reader.sentences().end());
      if (bend.sentences) bend.sentences(shape, sentences);
      Counts& counts = result.counts[static_cast<std::size_t>(i)];
      counts = count_item(shape, sentences);
      if (bend.counts) bend.counts(shape, sentences, counts);
    }
  }
  if (bend.rule) bend.rule(shape.rule);
  for (const Counts& counts : result.counts) {
    result.scores.push_back(sentence_score(shape.rule, counts));
  }
  result.corpus = corpus_score(shape, operands, result.counts);
  return result;
}

}  // namespace sb::tensor_bleu
