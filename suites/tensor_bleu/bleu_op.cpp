// tensor_bleu as an operation: parameters, inputs, reference, planted bugs.
#include <algorithm>
#include <cmath>
#include <functional>

#include "core/buffer.h"
#include "core/registry.h"
#include "suites/tensor_bleu/bleu.h"
#include "suites/tensor_bleu/fills.h"

namespace sb::tensor_bleu {
namespace {

// Changes what was read of an item before it is counted, and what was counted before it is scored.
struct Bend {
  std::function<void(const Shape&, std::vector<Sentence>&)> sentences;
  std::function<void(const Shape&, std::span<const Sentence>, Counts&)> counts;
  std::function<void(Rule&)> rule;
};

struct Answer {
  std::vector<double> scores;
  double corpus = 0;
  std::vector<Counts> counts;
};

Counts count_item(const Shape& shape, std::span<const Sentence> sentences) {
  Counts counts = lengths_of(shape.rule, sentences);
  for (int n = 1; n <= shape.rule.counted_orders(); ++n) {
    counts.num[static_cast<std::size_t>(n - 1)] =
        plain_numerator(sentences.front(), sentences.subspan(1), n);
  }
  return counts;
}

Answer answer(const Problem& problem, const Operands& operands, const Bend& bend = {}) {
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

Mutant bent(std::string name, Bend bend) {
  return {std::move(name), [bend](const Problem& problem, const Operands& o) {
            const Shape shape(problem);
            const Answer wrong = answer(problem, o, bend);
            std::copy(wrong.scores.begin(), wrong.scores.end(), o.get<double>(kScores));
            *o.get<double>(kCorpus) = wrong.corpus;
            // The counts stay right: a bug has to show in the scores as well.
          }};
}

class TensorBleu final : public Operation {
 public:
  std::string_view name() const override { return "tensor_bleu"; }
  std::string_view formula() const override {
    return "BP exp(sum_n w_n ln p_n), p_n = sum_g min(C(g), max_k R_k(g)) / n-grams, smoothed";
  }
  std::vector<Dtype> dtypes() const override { return {Dtype::kI64}; }
  std::vector<std::string> fills() const override { return fill_words(); }
  Fill default_fill() const override { return {.kind = Fill::Kind::kNamed, .word = "edited"}; }

  std::vector<ParamSpec> params() const override {
    return {
        {.name = "b", .doc = "sentences"},
        {.name = "s", .doc = "tokens of a row, pads included", .max = 1 << 24},
        {.name = "refs", .doc = "references per sentence", .max = 64, .default_value = "1"},
        {.name = "vocab", .doc = "token ids that the fills draw from", .default_value = "32000"},
        {.name = "smoothing",
         .doc = "NLTK's SmoothingFunction method",
         .choices = {"method0", "method1", "method2", "method3", "method4", "method5", "method6",
                     "method7"},
         .default_value = "method1"},
        {.name = "semantics",
         .doc = "nltk, or the released TensorBLEU's own rules",
         .choices = {"nltk", "released"},
         .default_value = "nltk"},
        {.name = "weights",
         .doc = "of the orders: uniform over 1 ... n, or 0.4 0.3 0.2 0.1",
         .choices = {"uniform1", "uniform2", "uniform3", "uniform4", "uniform5", "decay4"},
         .default_value = "uniform4"},
        {.name = "auto_reweigh",
         .doc = "NLTK's option for candidates shorter than 4",
         .choices = {"false", "true"},
         .default_value = "false"},
        {.name = "pad", .doc = "id that marks padding", .min = INT64_MIN, .default_value = "0"},
    };
  }

  std::string why_not(const Problem& problem) const override {
    const Rule rule = Shape(problem).rule;
    if (rule.semantics == Semantics::kReleased && rule.smoothing > 3) {
      return "released semantics know method0 (none), method1 (floor), method2 (add-k) and "
             "method3 (exp) only";
    }
    if (rule.semantics == Semantics::kReleased && rule.auto_reweigh) {
      return "released semantics have no auto_reweigh";
    }
    if (rule.smoothing == 6 && rule.orders() < 3) return "method6 needs weights of 3 orders";
    return "";
  }

  std::vector<TensorSpec> tensors(const Problem& problem) const override {
    const Shape s(problem);
    return {
        {.name = "candidates", .dtype = Dtype::kI64, .dims = {s.b, s.s}},
        {.name = "references", .dtype = Dtype::kI64, .dims = {s.b, s.refs, s.s}},
        {.name = "scores", .dtype = Dtype::kF64, .dims = {s.b}, .role = Role::kOutput},
        {.name = "corpus", .dtype = Dtype::kF64, .dims = {1}, .role = Role::kOutput},
        {.name = "counts",
         .dtype = Dtype::kI64,
         .dims = {s.b, s.count_columns()},
         .role = Role::kOutput},
    };
  }

  // Counting is integer work; a score takes a logarithm, a product and a sum per order.
  Cost cost(const Problem& problem) const override {
    const Shape s(problem);
    Cost cost{.flops = static_cast<double>(4 * s.rule.orders() * (s.b + 1))};
    for (const TensorSpec& spec : tensors(problem)) {
      cost.bytes_compulsory += static_cast<double>(spec.bytes());
    }
    return cost;
  }

  void fill(const Problem& problem, const Fill& fill, std::uint64_t seed,
            const Operands& o) const override {
    fill_tokens(problem, fill, seed, o.get<std::int64_t>(kCandidates),
                o.get<std::int64_t>(kReferences));
  }

  std::vector<Expected> reference(const Problem& problem, const Operands& o) const override {
    const Shape shape(problem);
    const Answer right = answer(problem, o);
    const auto close = [](std::vector<double> value) {
      Expected e{.value = value, .scale = std::move(value), .tolerance = 1e-12};
      for (double& scale : e.scale) scale = std::abs(scale);
      return e;
    };
    Expected counts;  // scale 0: exact
    std::vector<std::int64_t> row(static_cast<std::size_t>(shape.count_columns()));
    for (const Counts& one : right.counts) {
      store_counts(one, shape.rule.counted_orders(), row.data());
      counts.value.insert(counts.value.end(), row.begin(), row.end());
    }
    counts.scale.assign(counts.value.size(), 0);
    return {close(right.scores), close({right.corpus}), counts};
  }

  std::vector<Mutant> mutants() const override;
};

// A reference made of all references after each other: what clipping by the sum amounts to, but
// for the n-grams over the joints.
std::int64_t clipped_by_sum(std::span<const Sentence> sentences, int n) {
  std::int64_t sum = 0;
  for (std::size_t k = 1; k < sentences.size(); ++k) {
    sum += plain_numerator(sentences[0], sentences.subspan(k, 1), n);
  }
  return std::min(sum, sentences[0].ngrams(n));
}

std::vector<Mutant> TensorBleu::mutants() const {
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

const Registration tensor_bleu{std::make_unique<TensorBleu>()};

}  // namespace
}  // namespace sb::tensor_bleu
