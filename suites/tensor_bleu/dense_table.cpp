// dense_table: TensorBLEU's algorithm. For each order, the n-grams of the whole batch are sorted
// and numbered (torch.unique with inverse), and counted into dense tables of (sentences x different
// n-grams of the batch), one for the candidates and one per reference; element-wise maximum,
// minimum, row sums. The tables have 8 B U bytes, and U grows with B: the work is quadratic in the
// batch.
#include <algorithm>
#include <numeric>

#include "core/buffer.h"
#include "core/phase.h"
#include "core/registry.h"
#include "suites/tensor_bleu/bleu.h"

namespace sb::tensor_bleu {
namespace {

constexpr std::int64_t kTables = 4;  // candidates, a reference, maximum, clipped
constexpr double kMostTableBytes = 12e9;

double most_table_bytes(const Shape& s) {
  const auto b = static_cast<double>(s.b);
  return 8.0 * kTables * b * b * static_cast<double>((1 + s.refs) * s.s);
}

struct Ngram {
  const std::int64_t* first;
  std::uint32_t id;
  std::uint32_t sentence;   // of the batch
  std::uint32_t reference;  // 0: the candidate
};

class DenseTable final : public Kernel {
 public:
  explicit DenseTable(const Problem& problem)
      : shape_(problem),
        threads_(problem.threads),
        most_ngrams_(shape_.b * (1 + shape_.refs) * shape_.s),
        ngrams_(static_cast<std::size_t>(most_ngrams_) * sizeof(Ngram)),
        order_(static_cast<std::size_t>(most_ngrams_) * sizeof(std::uint32_t)),
        counts_(static_cast<std::size_t>(shape_.b)) {
    for (Buffer& table : tables_) {
      table = Buffer(static_cast<std::size_t>(shape_.b * most_ngrams_) * sizeof(std::int64_t));
    }
    for (std::int64_t i = 0; i < shape_.b; ++i) {
      workspaces_.emplace_back(SentenceReader::bytes(shape_));
      readers_.emplace_back(shape_, workspaces_.back().data());
    }
  }

  void run(const Operands& operands) override {
    for (std::int64_t i = 0; i < shape_.b; ++i) {
      const auto at = static_cast<std::size_t>(i);
      readers_[at].read(operands, i);
      counts_[at] = lengths_of(shape_.rule, readers_[at].sentences());
    }
    for (int n = 1; n <= shape_.rule.counted_orders(); ++n) {
      collect(n);
      number(n);
      fill_tables();
      clip(n);
    }
    write_scores(operands);
  }

 private:
  std::int64_t* table(std::size_t which) { return tables_[which].as<std::int64_t>(); }

  void collect(int n) {
    Ngram* ngram = ngrams_.as<Ngram>();
    for (std::uint32_t i = 0; i < readers_.size(); ++i) {
      const auto sentences = readers_[i].sentences();
      for (std::uint32_t k = 0; k < sentences.size(); ++k) {
        for (const Segment& segment : sentences[k].segments) {
          for (std::int32_t p = 0; p + n <= segment.length; ++p) {
            *ngram++ = {sentences[k].tokens + segment.begin + p, 0, i, k};
          }
        }
      }
    }
    ngram_count_ = ngram - ngrams_.as<Ngram>();
  }

  // unique(dim=0, return_inverse): equal n-grams get equal ids, 0 ... U - 1 in sorted order.
  void number(int n) {
    const Phase phase("unique");
    Ngram* ngrams = ngrams_.as<Ngram>();
    auto* order = order_.as<std::uint32_t>();
    std::iota(order, order + ngram_count_, 0u);
    const auto less = [ngrams, n](std::uint32_t a, std::uint32_t b) {
      return std::lexicographical_compare(ngrams[a].first, ngrams[a].first + n, ngrams[b].first,
                                          ngrams[b].first + n);
    };
    std::sort(order, order + ngram_count_, less);
    unique_ = 0;
    for (std::int64_t i = 0; i < ngram_count_; ++i) {
      if (i > 0 && less(order[i - 1], order[i])) ++unique_;
      ngrams[order[i]].id = static_cast<std::uint32_t>(unique_);
    }
    unique_ += ngram_count_ > 0;
  }

  // bincount of reference k (0: the candidates) into table `which`.
  void bincount(std::uint32_t k, std::size_t which) {
    zero(which);
    const Ngram* ngrams = ngrams_.as<Ngram>();
    for (std::int64_t i = 0; i < ngram_count_; ++i) {
      if (ngrams[i].reference == k) ++table(which)[ngrams[i].sentence * unique_ + ngrams[i].id];
    }
  }

  void zero(std::size_t which) {
#pragma omp parallel for num_threads(threads_) schedule(static)
    for (std::int64_t row = 0; row < shape_.b; ++row) {
      std::fill_n(table(which) + row * unique_, unique_, 0);
    }
  }

  void fill_tables() {
    const Phase phase("tables");
    bincount(0, 0);
    zero(2);
    for (std::uint32_t k = 1; k <= shape_.refs; ++k) {
      bincount(k, 1);
      const std::int64_t* counts = table(1);
      std::int64_t* most = table(2);
#pragma omp parallel for num_threads(threads_) schedule(static)
      for (std::int64_t i = 0; i < shape_.b * unique_; ++i) most[i] = std::max(most[i], counts[i]);
    }
  }

  void clip(int n) {
    const Phase phase("clip");
    const std::int64_t* candidate = table(0);
    const std::int64_t* most = table(2);
    std::int64_t* clipped = table(3);
#pragma omp parallel for num_threads(threads_) schedule(static)
    for (std::int64_t i = 0; i < shape_.b * unique_; ++i) {
      clipped[i] = std::min(candidate[i], most[i]);
    }
#pragma omp parallel for num_threads(threads_) schedule(static)
    for (std::int64_t row = 0; row < shape_.b; ++row) {
      const std::int64_t* first = clipped + row * unique_;
      counts_[static_cast<std::size_t>(row)].num[static_cast<std::size_t>(n - 1)] =
          std::accumulate(first, first + unique_, std::int64_t{0});
    }
  }

  void write_scores(const Operands& operands) {
    for (std::int64_t i = 0; i < shape_.b; ++i) {
      const Counts& counts = counts_[static_cast<std::size_t>(i)];
      operands.get<double>(kScores)[i] = sentence_score(shape_.rule, counts);
      store_counts(counts, shape_.rule.counted_orders(),
                   operands.get<std::int64_t>(kCounts) + i * shape_.count_columns());
    }
    *operands.get<double>(kCorpus) = corpus_score(shape_, operands, counts_);
  }

  Shape shape_;
  int threads_;
  std::int64_t most_ngrams_;
  Buffer ngrams_;
  Buffer order_;
  std::array<Buffer, kTables> tables_;
  std::vector<Buffer> workspaces_;
  std::vector<SentenceReader> readers_;
  std::vector<Counts> counts_;
  std::int64_t ngram_count_ = 0;
  std::int64_t unique_ = 0;
};

// Of the largest possible dictionary: zero three tables, maximum (2 reads, 1 write), minimum (2
// reads, 1 write), row sums, for each order.
double table_bytes(const Problem& problem) {
  const Shape s(problem);
  const double table = most_table_bytes(s) / kTables;
  return static_cast<double>(s.rule.counted_orders()) * table *
         (6 + 4 * static_cast<double>(s.refs));
}

const Registration dense_table{
    Variant{.op = "tensor_bleu",
            .name = "dense_table",
            .dtypes = {Dtype::kI64},
            .summary = "batch dictionary and dense (sentences x n-grams) tables",
            .paper = "arXiv:2510.05485",
            .bytes_algorithm = table_bytes,
            .why_not = [](const Problem& problem) -> std::string {
              const double bytes = most_table_bytes(Shape(problem));
              if (bytes <= kMostTableBytes) return "";
              return "its tables would take " + std::to_string(static_cast<int>(bytes / 1e9)) +
                     " GB; at most " + std::to_string(static_cast<int>(kMostTableBytes / 1e9)) +
                     " GB are allowed";
            },
            .make = [](const Problem& p) { return std::make_unique<DenseTable>(p); }}};

}  // namespace
}  // namespace sb::tensor_bleu
