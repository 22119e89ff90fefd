// The right answer of tensor_bleu, counted the plain way, and the same answer gone wrong in one
// place: what the operation is verified against, and its planted bugs.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "suites/tensor_bleu/bleu.h"

namespace sb::tensor_bleu {

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

Answer answer(const Problem& problem, const Operands& operands, const Bend& bend = {});

std::vector<Mutant> bleu_mutants();

}  // namespace sb::tensor_bleu
