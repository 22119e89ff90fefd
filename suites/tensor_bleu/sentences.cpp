#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <unordered_map>

#include "suites/tensor_bleu/bleu.h"

namespace sb::tensor_bleu {
namespace {

Rule rule_of(const Problem& problem) {
  const Params& params = problem.params;
  const std::string& weights = params.word("weights");
  Rule rule;
  rule.semantics = params.word("semantics") == "released" ? Semantics::kReleased : Semantics::kNltk;
  rule.smoothing = params.word("smoothing").back() - '0';
  rule.uniform4 = weights == "uniform4";
  rule.auto_reweigh = params.flag("auto_reweigh");
  if (weights == "decay4") {
    rule.weights = {0.4, 0.3, 0.2, 0.1};
  } else {
    const int orders = weights.back() - '0';
    rule.weights.assign(static_cast<std::size_t>(orders), 1.0 / orders);
  }
  return rule;
}

std::int64_t closest_length(Semantics semantics, std::int64_t c,
                            std::span<const Sentence> references) {
  std::int64_t best = references.front().length;
  for (const Sentence& reference : references) {
    const std::int64_t length = reference.length;
    const std::int64_t distance = std::abs(length - c);
    const std::int64_t best_distance = std::abs(best - c);
    // NLTK gives a tie to the shorter reference, the released code to the one that stands first.
    const bool tie = semantics == Semantics::kNltk && distance == best_distance && length < best;
    if (distance < best_distance || tie) best = length;
  }
  return best;
}

}  // namespace

Shape::Shape(const Problem& problem)
    : b(problem.params.integer("b")),
      s(problem.params.integer("s")),
      refs(problem.params.integer("refs")),
      pad(problem.params.integer("pad")),
      rule(rule_of(problem)) {}

void store_counts(const Counts& counts, int orders, std::int64_t* row) {
  row = std::copy_n(counts.num.begin(), orders, row);
  row = std::copy_n(counts.den.begin(), orders, row);
  *row++ = counts.c;
  *row = counts.r;
}

std::int64_t Sentence::ngrams(int n) const {
  std::int64_t sum = 0;
  for (const Segment& segment : segments) sum += std::max(0, segment.length - n + 1);
  return sum;
}

std::size_t SentenceReader::bytes(const Shape& shape) {
  const auto rows = static_cast<std::size_t>(1 + shape.refs);
  const auto s = static_cast<std::size_t>(shape.s);
  return rows * (s * sizeof(std::int64_t) + (s / 2 + 1) * sizeof(Segment));
}

SentenceReader::SentenceReader(const Shape& shape, void* workspace)
    : shape_(shape),
      sentences_(static_cast<std::size_t>(1 + shape.refs)),
      tokens_(static_cast<std::int64_t*>(workspace)),
      segments_(reinterpret_cast<Segment*>(tokens_ + (1 + shape.refs) * shape.s)) {}

void SentenceReader::read(const Operands& operands, std::int64_t i) {
  read_row(operands.get<const std::int64_t>(kCandidates) + i * shape_.s, 0);
  for (std::int64_t k = 0; k < shape_.refs; ++k) {
    read_row(operands.get<const std::int64_t>(kReferences) + (i * shape_.refs + k) * shape_.s,
             1 + k);
  }
}

void SentenceReader::read_row(const std::int64_t* row, std::int64_t which) {
  Sentence& sentence = sentences_[static_cast<std::size_t>(which)];
  Segment* segments = segments_ + which * (shape_.s / 2 + 1);
  const std::int64_t pad = shape_.pad;
  const std::int64_t length =
      std::count_if(row, row + shape_.s, [pad](auto t) { return t != pad; });
  const bool compact = std::none_of(row, row + length, [pad](auto t) { return t == pad; });
  std::int64_t* tokens = tokens_ + which * shape_.s;
  std::int64_t filled = 0;
  std::size_t runs = 0;
  for (std::int64_t i = 0; !compact && i < shape_.s; ++i) {
    if (row[i] == pad) continue;
    if (filled == 0 || row[i - 1] == pad) segments[runs++] = {static_cast<std::int32_t>(filled), 0};
    ++segments[runs - 1].length;
    tokens[filled++] = row[i];
  }
  if (compact || shape_.rule.semantics == Semantics::kNltk) {
    segments[0] = {0, static_cast<std::int32_t>(length)};
    runs = 1;
  }
  sentence = {compact ? row : tokens, length, {segments, runs}};
}

Counts lengths_of(const Rule& rule, std::span<const Sentence> sentences) {
  Counts counts;
  const Sentence& candidate = sentences.front();
  for (int n = 1; n <= rule.counted_orders(); ++n) {
    counts.den[static_cast<std::size_t>(n - 1)] = candidate.ngrams(n);
  }
  counts.c = candidate.length;
  counts.r = closest_length(rule.semantics, counts.c, sentences.subspan(1));
  return counts;
}

std::int64_t plain_numerator(const Sentence& candidate, std::span<const Sentence> references,
                             int n) {
  using Ngrams = std::unordered_map<std::string_view, std::int64_t>;
  const auto count = [n](const Sentence& sentence) {
    Ngrams ngrams;
    for (const Segment& segment : sentence.segments) {
      for (std::int32_t i = 0; i + n <= segment.length; ++i) {
        const std::int64_t* first = sentence.tokens + segment.begin + i;
        ++ngrams[{reinterpret_cast<const char*>(first),
                  static_cast<std::size_t>(n) * sizeof(std::int64_t)}];
      }
    }
    return ngrams;
  };
  Ngrams most;
  for (const Sentence& reference : references) {
    for (const auto& [ngram, times] : count(reference)) {
      std::int64_t& best = most[ngram];
      best = std::max(best, times);
    }
  }
  std::int64_t numerator = 0;
  for (const auto& [ngram, times] : count(candidate)) {
    const auto found = most.find(ngram);
    if (found != most.end()) numerator += std::min(times, found->second);
  }
  return numerator;
}

}  // namespace sb::tensor_bleu
