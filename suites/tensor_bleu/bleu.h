// BLEU over token ids: what is counted, by which rule it becomes a score, and how a padded tensor
// is read as sentences.
//
//   num_n = sum over n-grams g of min(count in candidate, max over references of count there)
//   den_n = n-grams of the candidate;   r = length of the reference closest to the candidate's c
//   score = exp(min(0, 1 - r/c)) * exp(sum_n w_n ln smooth(num_n / den_n))
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "core/operation.h"

namespace sb::tensor_bleu {

// Places of the operands.
enum Place { kCandidates, kReferences, kScores, kCorpus, kCounts };

inline constexpr int kMostOrders = 5;

// kNltk: nltk.translate.bleu_score, to the letter. kReleased: what the released TensorBLEU
// computes, which differs (README.md lists where).
enum class Semantics { kNltk, kReleased };

struct Rule {
  Semantics semantics = Semantics::kNltk;
  int smoothing = 1;  // NLTK's method number
  std::vector<double> weights = {0.25, 0.25, 0.25, 0.25};
  bool uniform4 = true;  // the weights are NLTK's default, which auto_reweigh asks for
  bool auto_reweigh = false;

  int orders() const { return static_cast<int>(weights.size()); }
  // Methods 5 and 7 look one order beyond, which NLTK fixes at 5.
  int counted_orders() const {
    const bool beyond = semantics == Semantics::kNltk && (smoothing == 5 || smoothing == 7);
    return beyond ? kMostOrders : orders();
  }
};

struct Shape {
  std::int64_t b = 0;
  std::int64_t s = 0;     // positions of a row, pads included
  std::int64_t refs = 0;  // references per candidate
  std::int64_t pad = 0;
  Rule rule;

  explicit Shape(const Problem& problem);
  std::int64_t count_columns() const { return 2 * rule.counted_orders() + 2; }
};

// The integers behind a score. The row of the output `counts` is num_1 ... num_k, den_1 ... den_k,
// c, r with k = counted_orders(); den_n is the number of n-grams, which may be 0.
struct Counts {
  std::array<std::int64_t, kMostOrders> num = {};
  std::array<std::int64_t, kMostOrders> den = {};
  std::int64_t c = 0;
  std::int64_t r = 0;
};
void store_counts(const Counts& counts, int orders, std::int64_t* row);

// A row without its pads. N-grams lie within one segment: NLTK never sees a pad, so the whole
// sentence is one; the released code drops each n-gram that holds a pad, so a pad ends a segment.
struct Segment {
  std::int32_t begin = 0;
  std::int32_t length = 0;
};
struct Sentence {
  const std::int64_t* tokens = nullptr;
  std::int64_t length = 0;
  std::span<const Segment> segments;

  std::int64_t ngrams(int n) const;  // how many there are of order n
};

// Memory for one candidate and its references; read() points into the operands where a row needs no
// compaction.
class SentenceReader {
 public:
  // Bytes of workspace that it needs, 64-byte aligned.
  static std::size_t bytes(const Shape& shape);
  SentenceReader(const Shape& shape, void* workspace);

  // Reads row `i` of the batch. sentences()[0] is the candidate, [1] ... its references.
  void read(const Operands& operands, std::int64_t i);
  std::span<const Sentence> sentences() const { return sentences_; }

 private:
  void read_row(const std::int64_t* row, std::int64_t which);

  Shape shape_;
  std::vector<Sentence> sentences_;
  std::int64_t* tokens_;
  Segment* segments_;
};

// All of Counts but the numerators.
Counts lengths_of(const Rule& rule, std::span<const Sentence> sentences);

double sentence_score(const Rule& rule, const Counts& counts);

// The corpus score from the counts of all sentences; `operands` are read where a rule needs more
// than sums (released semantics with references shorter than an order).
double corpus_score(const Shape& shape, const Operands& operands, std::span<const Counts> counts);

// Numerator of order n the plain way, with the standard library's hash map; `references` may leave
// some out. The reference counts with it.
std::int64_t plain_numerator(const Sentence& candidate, std::span<const Sentence> references,
                             int n);

}  // namespace sb::tensor_bleu
