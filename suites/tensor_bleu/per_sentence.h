// The part that all per-sentence algorithms share: threads over sentences, reading rows, lengths,
// scores. An algorithm is a counter of numerators:
//
//   struct Counter {
//     explicit Counter(const Shape&);   // takes its workspace from Buffers; one per thread
//     // num[n - 1] for n = 1 ... orders; sentences[0] is the candidate.
//     void count(std::span<const Sentence> sentences, int orders, std::int64_t* num);
//   };
#pragma once

#include <omp.h>

#include <memory>
#include <vector>

#include "core/buffer.h"
#include "core/phase.h"
#include "core/variant.h"
#include "suites/tensor_bleu/bleu.h"

namespace sb::tensor_bleu {

template <typename Counter>
class PerSentence final : public Kernel {
 public:
  explicit PerSentence(const Problem& problem)
      : shape_(problem), counts_(static_cast<std::size_t>(shape_.b)) {
    for (int t = 0; t < problem.threads; ++t) {
      workers_.push_back(std::make_unique<Worker>(shape_));
    }
  }

  void run(const Operands& operands) override {
#pragma omp parallel num_threads(static_cast <int>(workers_.size()))
    {
      Worker& worker = *workers_[static_cast<std::size_t>(omp_get_thread_num())];
#pragma omp for schedule(dynamic, 4)
      for (std::int64_t i = 0; i < shape_.b; ++i) {
        Counts& counts = counts_[static_cast<std::size_t>(i)];
        worker.reader.read(operands, i);
        counts = lengths_of(shape_.rule, worker.reader.sentences());
        {
          const Phase phase("count");
          worker.counter.count(worker.reader.sentences(), shape_.rule.counted_orders(),
                               counts.num.data());
        }
        const Phase phase("score");
        operands.get<double>(kScores)[i] = sentence_score(shape_.rule, counts);
        store_counts(counts, shape_.rule.counted_orders(),
                     operands.get<std::int64_t>(kCounts) + i * shape_.count_columns());
      }
    }
    const Phase phase("corpus score");
    *operands.get<double>(kCorpus) = corpus_score(shape_, operands, counts_);
  }

 private:
  struct Worker {
    explicit Worker(const Shape& shape)
        : workspace(SentenceReader::bytes(shape)),
          reader(shape, workspace.data()),
          counter(shape) {}
    Buffer workspace;
    SentenceReader reader;
    Counter counter;
  };

  Shape shape_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<Counts> counts_;
};

template <typename Counter>
std::unique_ptr<Kernel> make_per_sentence(const Problem& problem) {
  return std::make_unique<PerSentence<Counter>>(problem);
}

}  // namespace sb::tensor_bleu
