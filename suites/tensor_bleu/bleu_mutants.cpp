// Planted bugs of tensor_bleu: verification has to refuse each.
#include <algorithm>
#include <utility>

#include "suites/tensor_bleu/bleu_reference.h"

namespace sb::tensor_bleu {
namespace {

Mutant bent(std::string name, Bend bend) {
  return {std::move(name), [bend = std::move(bend)](const Problem& problem, const Operands& o) {
            const Shape shape(problem);
            const Answer wrong = answer(problem, o, bend);
            std::copy(wrong.scores.begin(), wrong.scores.end(), o.get<double>(kScores));
            *o.get<double>(kCorpus) = wrong.corpus;
            // The counts stay right: a bug has to show in the scores as well.
          }};
}

// Against one reference made of the n-grams of all: a segment each, so none lies over a joint.
std::int64_t clipped_by_sum(std::span<const Sentence> sentences, int n) {
  std::vector<std::int64_t> tokens;
  std::vector<Segment> segments;
  for (const Sentence& reference : sentences.subspan(1)) {
    const auto offset = static_cast<std::int32_t>(tokens.size());
    for (const Segment& segment : reference.segments) {
      segments.push_back({offset + segment.begin, segment.length});
    }
    tokens.insert(tokens.end(), reference.tokens, reference.tokens + reference.length);
  }
  const Sentence all{tokens.data(), static_cast<std::int64_t>(tokens.size()), segments};
  return plain_numerator(sentences[0], {&all, 1}, n);
}

}  // namespace

std::vector<Mutant> bleu_mutants() {
  const auto each_order = [](auto f) {
    return [f](const Shape& shape, std::span<const Sentence> sentences, Counts& counts) {
      for (int n = 1; n <= shape.rule.counted_orders(); ++n) {
        f(sentences, n, counts.num[static_cast<std::size_t>(n - 1)],
          counts.den[static_cast<std::size_t>(n - 1)]);
      }
    };
  };
  using Sentences = std::span<const Sentence>;
  return {
      {"all zeros",
       [](const Problem& problem, const Operands& o) {
         const Shape shape(problem);
         std::fill_n(o.get<double>(kScores), shape.b, 0.0);
         std::fill_n(o.get<std::int64_t>(kCounts), shape.b * shape.count_columns(), 0);
       }},
      {"two sentences' scores swapped",
       [](const Problem& problem, const Operands& o) {
         if (Shape(problem).b > 1) std::swap(o.get<double>(kScores)[0], o.get<double>(kScores)[1]);
       }},
      {"a numerator one too large",
       [](const Problem&, const Operands& o) { ++o.get<std::int64_t>(kCounts)[0]; }},
      {"corpus score as the mean of the sentences'",
       [](const Problem& problem, const Operands& o) {
         const std::int64_t b = Shape(problem).b;
         double sum = 0;
         for (std::int64_t i = 0; i < b; ++i) sum += o.get<double>(kScores)[i];
         *o.get<double>(kCorpus) = sum / static_cast<double>(b);
       }},
      bent("clipped by the sum over the references instead of the maximum",
           {.counts = each_order([](Sentences sentences, int n, std::int64_t& num, std::int64_t&) {
              num = clipped_by_sum(sentences, n);
            })}),
      bent("only the first reference used",
           {.counts = each_order([](Sentences sentences, int n, std::int64_t& num, std::int64_t&) {
              num = plain_numerator(sentences[0], sentences.subspan(1, 1), n);
            })}),
      bent("not clipped",
           {.counts = each_order([](Sentences sentences, int n, std::int64_t& num, std::int64_t&) {
              if (num > 0) num = sentences[0].ngrams(n);
            })}),
      bent("length tie to the longer reference",
           {.counts =
                [](const Shape&, Sentences sentences, Counts& counts) {
                  for (const Sentence& reference : sentences.subspan(1)) {
                    const std::int64_t distance = std::abs(reference.length - counts.c);
                    if (distance == std::abs(counts.r - counts.c)) {
                      counts.r = std::max(counts.r, reference.length);
                    }
                  }
                }}),
      bent("shortest instead of closest reference length",
           {.counts =
                [](const Shape&, Sentences sentences, Counts& counts) {
                  for (const Sentence& s : sentences.subspan(1)) {
                    counts.r = std::min(counts.r, s.length);
                  }
                }}),
      bent("brevity penalty forgotten",
           {.counts = [](const Shape&, Sentences, Counts& counts) { counts.r = counts.c; }}),
      bent("last n-gram of the candidate left out",
           {.sentences =
                [](const Shape&, std::vector<Sentence>& sentences) {
                  Sentence& candidate = sentences[0];
                  if (!candidate.segments.empty() && candidate.segments.back().length > 0) {
                    // Segments of a reader are its own: shorten through a copy that outlives the
                    // call.
                    static thread_local std::vector<Segment> shortened;
                    shortened.assign(candidate.segments.begin(), candidate.segments.end());
                    --shortened.back().length;
                    candidate.segments = shortened;
                  }
                }}),
      bent("scored although no unigram matches",
           {.counts =
                [](const Shape& shape, Sentences, Counts& counts) {
                  if (shape.rule.semantics == Semantics::kNltk && counts.num[0] == 0 &&
                      counts.c > 0) {
                    counts.num[0] = 1;
                  }
                }}),
      bent("one smoothing method taken for another",
           {.rule = [](Rule& rule) { rule.smoothing = rule.smoothing == 1 ? 3 : 1; }}),
      bent("weights taken as uniform over one order less",
           {.rule =
                [](Rule& rule) {
                  if (rule.orders() < 2) return;
                  rule.weights.assign(rule.weights.size() - 1,
                                      1.0 / static_cast<double>(rule.weights.size() - 1));
                  rule.uniform4 = false;
                }}),
      {"ids cut to 32 bits",
       [](const Problem& problem, const Operands& o) {
         const Shape shape(problem);
         const auto cut = [](const std::int64_t* ids, std::int64_t count) {
           std::vector<std::int64_t> low(ids, ids + count);
           for (std::int64_t& id : low) id = static_cast<std::int32_t>(id);
           return low;
         };
         auto candidates = cut(o.get<std::int64_t>(kCandidates), shape.b * shape.s);
         auto references = cut(o.get<std::int64_t>(kReferences), shape.b * shape.refs * shape.s);
         const Answer wrong = answer(
             problem, Operands({candidates.data(), references.data(), nullptr, nullptr, nullptr}));
         std::copy(wrong.scores.begin(), wrong.scores.end(), o.get<double>(kScores));
       }},
  };
}

}  // namespace sb::tensor_bleu
