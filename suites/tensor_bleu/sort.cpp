// sort: n-grams as pairs (rank of the prefix, rank of the last token), sorted; equal ones then lie
// together, and their place among the different ones is their rank for the next order. No hashing:
// the worst case is the average one.
#include <algorithm>

#include "core/registry.h"
#include "suites/tensor_bleu/per_sentence.h"

namespace sb::tensor_bleu {
namespace {

struct Entry {
  std::uint64_t key;
  std::uint32_t position;  // in the sentences laid end to end
  std::uint32_t sentence;
};

class Sort {
 public:
  explicit Sort(const Shape& shape)
      : positions_(static_cast<std::size_t>((1 + shape.refs) * shape.s)),
        entries_(positions_ * sizeof(Entry)),
        token_rank_(positions_ * sizeof(std::uint32_t)),
        rank_(positions_ * sizeof(std::uint32_t)),
        seen_(static_cast<std::size_t>(1 + shape.refs) * sizeof(std::int64_t)) {}

  void count(std::span<const Sentence> sentences, int orders, std::int64_t* num) {
    for (int n = 1; n <= orders; ++n) {
      const std::size_t entries = collect(sentences, n);
      Entry* begin = entries_.as<Entry>();
      std::sort(begin, begin + entries,
                [](const Entry& a, const Entry& b) { return a.key < b.key; });
      num[n - 1] = rank_and_count(entries, sentences.size(), n);
    }
  }

 private:
  // The n-grams of all sentences. The last token of the n-gram at position p stands at p + n - 1.
  std::size_t collect(std::span<const Sentence> sentences, int n) {
    Entry* entry = entries_.as<Entry>();
    std::uint32_t offset = 0;
    for (std::uint32_t k = 0; k < sentences.size(); ++k) {
      for (const Segment& segment : sentences[k].segments) {
        for (std::int32_t i = segment.begin; i + n <= segment.begin + segment.length; ++i) {
          const std::uint32_t p = offset + static_cast<std::uint32_t>(i);
          const std::uint64_t key =
              n == 1 ? static_cast<std::uint64_t>(sentences[k].tokens[i])
                     : std::uint64_t{rank_.as<std::uint32_t>()[p]} << 32 |
                           token_rank_.as<std::uint32_t>()[p + static_cast<std::uint32_t>(n) - 1];
          *entry++ = {key, p, k};
        }
      }
      offset += static_cast<std::uint32_t>(sentences[k].length);
    }
    return static_cast<std::size_t>(entry - entries_.as<Entry>());
  }

  std::int64_t rank_and_count(std::size_t entries, std::size_t sentences, int n) {
    const Entry* entry = entries_.as<Entry>();
    auto* seen = seen_.as<std::int64_t>();
    std::uint32_t rank = 0;
    std::int64_t numerator = 0;
    for (std::size_t i = 0; i < entries; ++rank) {
      std::fill_n(seen, sentences, 0);
      const std::uint64_t key = entry[i].key;
      for (; i < entries && entry[i].key == key; ++i) {
        ++seen[entry[i].sentence];
        rank_.as<std::uint32_t>()[entry[i].position] = rank;
        if (n == 1) token_rank_.as<std::uint32_t>()[entry[i].position] = rank;
      }
      numerator += std::min(seen[0], *std::max_element(seen + 1, seen + sentences));
    }
    return numerator;
  }

  std::size_t positions_;
  Buffer entries_;
  Buffer token_rank_;
  Buffer rank_;
  Buffer seen_;
};

const Registration sort{Variant{.op = "tensor_bleu",
                                .name = "sort",
                                .dtypes = {Dtype::kI64},
                                .summary = "sorted (prefix rank, token rank) keys",
                                .make = make_per_sentence<Sort>}};

}  // namespace
}  // namespace sb::tensor_bleu
