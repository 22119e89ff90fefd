// hash_map: what one writes first. A std::unordered_map from n-gram to count for the candidate and
// for each reference, order by order, as NLTK does with Counter.
#include <algorithm>
#include <unordered_map>

#include "core/registry.h"
#include "suites/tensor_bleu/per_sentence.h"

namespace sb::tensor_bleu {
namespace {

using Ngram = std::array<std::int64_t, kMostOrders>;  // places beyond the order hold 0

struct NgramHash {
  std::size_t operator()(const Ngram& ngram) const {
    std::size_t hash = 0;
    for (const std::int64_t token : ngram) {
      hash = (hash ^ std::hash<std::int64_t>()(token)) * 0x9e3779b97f4a7c15u;
      hash ^= hash >> 32;
    }
    return hash;
  }
};
using NgramCounts = std::unordered_map<Ngram, std::int64_t, NgramHash>;

NgramCounts count_ngrams(const Sentence& sentence, int n) {
  NgramCounts counts;
  for (const Segment& segment : sentence.segments) {
    for (std::int32_t i = 0; i + n <= segment.length; ++i) {
      Ngram ngram = {};
      std::copy_n(sentence.tokens + segment.begin + i, n, ngram.begin());
      ++counts[ngram];
    }
  }
  return counts;
}

struct HashMap {
  explicit HashMap(const Shape&) {}

  void count(std::span<const Sentence> sentences, int orders, std::int64_t* num) {
    for (int n = 1; n <= orders; ++n) {
      const NgramCounts candidate = count_ngrams(sentences.front(), n);
      NgramCounts most;
      for (const Sentence& reference : sentences.subspan(1)) {
        const NgramCounts counts = count_ngrams(reference, n);
        for (const auto& [ngram, times] : candidate) {
          const auto found = counts.find(ngram);
          if (found == counts.end()) continue;
          std::int64_t& best = most[ngram];
          best = std::max(best, found->second);
        }
      }
      num[n - 1] = 0;
      for (const auto& [ngram, times] : most) num[n - 1] += std::min(times, candidate.at(ngram));
    }
  }
};

const Registration hash_map{
    Variant{.op = "tensor_bleu",
            .name = "hash_map",
            .dtypes = {Dtype::kI64},
            .summary = "a std::unordered_map of n-grams per sentence and order",
            .make = make_per_sentence<HashMap>}};

}  // namespace
}  // namespace sb::tensor_bleu
