// A small batch written out row by row, and the variants that can run it here.
#pragma once

#include <algorithm>
#include <cmath>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "core/registry.h"
#include "suites/tensor_bleu/bleu.h"

namespace sb::tensor_bleu {

using Given = std::map<std::string, std::string>;
using Row = std::vector<std::int64_t>;

// A batch given row by row, padded with 0.
class Batch {
 public:
  Batch(const std::vector<Row>& candidates, const std::vector<std::vector<Row>>& references,
        Given params)
      : op_(Registry::instance().find_operation("tensor_bleu")) {
    std::size_t s = 1;
    for (const Row& row : candidates) s = std::max(s, row.size());
    for (const auto& refs : references) {
      for (const Row& row : refs) s = std::max(s, row.size());
    }
    params["b"] = std::to_string(candidates.size());
    params["s"] = std::to_string(s);
    params["refs"] = std::to_string(references.front().size());
    problem = {.params = Params(op_->params(), params), .dtype = Dtype::kI64, .threads = 2};
    for (const Row& row : candidates) append(row, s, candidates_);
    for (const auto& refs : references) {
      for (const Row& row : refs) append(row, s, references_);
    }
    scores.resize(candidates.size());
    counts.resize(candidates.size() * static_cast<std::size_t>(Shape(problem).count_columns()));
  }

  void run(const Variant& variant) {
    std::fill(scores.begin(), scores.end(), std::nan(""));
    corpus = std::nan("");
    std::fill(counts.begin(), counts.end(), -1);
    variant.make(problem)->run(operands());
  }
  Operands operands() {
    return Operands(
        {candidates_.data(), references_.data(), scores.data(), &corpus, counts.data()});
  }
  std::vector<Expected> reference() { return op_->reference(problem, operands()); }

  Problem problem;
  std::vector<double> scores;
  double corpus = 0;
  std::vector<std::int64_t> counts;

 private:
  static void append(const Row& row, std::size_t s, Row& rows) {
    rows.insert(rows.end(), row.begin(), row.end());
    rows.resize(rows.size() + s - row.size(), 0);
  }

  const Operation* op_;
  Row candidates_;
  Row references_;
};

// CPU variants whose instruction set is here; says which is not.
inline std::vector<const Variant*> cpu_variants() {
  std::vector<const Variant*> runnable;
  for (const Variant* v : Registry::instance().variants_of("tensor_bleu")) {
    if (v->device != Device::kCpu) continue;
    const std::string why = why_isa_unavailable(v->isa);
    if (why.empty()) {
      runnable.push_back(v);
    } else {
      std::cout << "skipped " << v->full_name() << ": " << why << "\n";
    }
  }
  return runnable;
}

}  // namespace sb::tensor_bleu
