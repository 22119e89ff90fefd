// Counts to scores, by NLTK's rules and by those of the released TensorBLEU.
#include <algorithm>
#include <cmath>
#include <limits>

#include "core/buffer.h"
#include "suites/tensor_bleu/bleu.h"

namespace sb::tensor_bleu {
namespace {

// NLTK's SmoothingFunction defaults.
constexpr double kEpsilon = 0.1;
constexpr double kAlpha = 5;
constexpr double kK = 5;
// The released code's stand-in for zero.
constexpr double kTiny = 1e-12;

std::size_t at(int i) { return static_cast<std::size_t>(i); }

// What NLTK's corpus_bleu has in hand when it smooths. For one sentence the sums are its counts.
struct Pooled {
  Counts sum;   // den_n summed as max(1, den_n), so never 0
  Counts last;  // of the last sentence, which methods 5 and 6 look at again
};

Pooled pool(int orders, std::span<const Counts> all) {
  Pooled pooled{.last = all.back()};
  for (const Counts& counts : all) {
    for (std::size_t i = 0; i < at(orders); ++i) {
      pooled.sum.num[i] += counts.num[i];
      pooled.sum.den[i] += std::max<std::int64_t>(1, counts.den[i]);
    }
    pooled.sum.c += counts.c;
    pooled.sum.r += counts.r;
  }
  return pooled;
}

using Precisions = std::vector<double>;

// Every zero numerator becomes `f(j, den)`, j = 1, 2, ... the how-manieth zero it is.
template <typename F>
void replace_zeros(const Counts& sum, Precisions& p, F f) {
  int j = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    if (sum.num[i] == 0) p[i] = f(++j, static_cast<double>(sum.den[i]));
  }
}

void method4(const Counts& sum, Precisions& p) {
  if (sum.c <= 1) return;
  const double log_c = std::log(static_cast<double>(sum.c));
  replace_zeros(sum, p,
                [log_c](int j, double den) { return 1 / (std::exp2(j) * kK / log_c) / den; });
}

void method5(const Pooled& pooled, Precisions& p) {
  Precisions next = p;
  next.push_back(static_cast<double>(pooled.last.num[4]) /
                 static_cast<double>(std::max<std::int64_t>(1, pooled.last.den[4])));
  double before = p[0] + 1;
  for (std::size_t i = 0; i < p.size(); ++i) before = p[i] = (before + p[i] + next[i + 1]) / 3;
}

// NLTK asserts p_3 != 0; the score of such a sentence is not defined, and NaN here.
void method6(const Pooled& pooled, Precisions& p) {
  if (p[2] == 0) {
    std::fill(p.begin(), p.end(), std::numeric_limits<double>::quiet_NaN());
    return;
  }
  for (std::size_t i = 2; i < p.size(); ++i) {
    const double prior = p[i - 2] == 0 ? 0 : p[i - 1] * p[i - 1] / p[i - 2];
    p[i] = (static_cast<double>(pooled.sum.num[i]) + kAlpha * prior) /
           (static_cast<double>(pooled.last.den[i]) + kAlpha);
  }
}

void smooth(int method, const Pooled& pooled, Precisions& p) {
  const Counts& sum = pooled.sum;
  switch (method) {
    case 0:
      return replace_zeros(sum, p, [](int, double) { return std::numeric_limits<double>::min(); });
    case 1:
      return replace_zeros(sum, p, [](int, double den) { return kEpsilon / den; });
    case 2:
      for (std::size_t i = 1; i < p.size(); ++i) {
        p[i] = static_cast<double>(sum.num[i] + 1) / static_cast<double>(sum.den[i] + 1);
      }
      return;
    case 3:
      return replace_zeros(sum, p, [](int j, double den) { return 1 / (std::exp2(j) * den); });
    case 4:
      return method4(sum, p);
    case 5:
      return method5(pooled, p);
    case 6:
      return method6(pooled, p);
    default:
      method4(sum, p);
      return method5(pooled, p);
  }
}

double nltk_score(const Rule& rule, const Pooled& pooled) {
  const Counts& sum = pooled.sum;
  if (sum.num[0] == 0) return 0;  // before any smoothing
  Precisions p(rule.weights.size());
  for (std::size_t i = 0; i < p.size(); ++i) {
    p[i] = static_cast<double>(sum.num[i]) / static_cast<double>(sum.den[i]);
  }
  smooth(rule.smoothing, pooled, p);
  std::vector<double> weights = rule.weights;
  if (rule.auto_reweigh && rule.uniform4 && sum.c < 4) {
    weights.assign(static_cast<std::size_t>(sum.c), 1 / static_cast<double>(sum.c));
  }
  double log_mean = 0;
  for (std::size_t i = 0; i < std::min(p.size(), weights.size()); ++i) {
    if (!(p[i] <= 0)) log_mean += weights[i] * std::log(p[i]);  // a NaN stays one
  }
  const auto c = static_cast<double>(sum.c);
  const auto r = static_cast<double>(sum.r);
  return (c > r ? 1 : std::exp(1 - r / c)) * std::exp(log_mean);
}

double released_brevity(const Counts& counts) {
  if (counts.c == 0) return 0;
  if (counts.c >= counts.r) return 1;
  return std::exp(1 - static_cast<double>(counts.r) / static_cast<double>(counts.c));
}

double released_log_mean(const Rule& rule, const Precisions& p, double shift) {
  double log_mean = 0;
  for (std::size_t i = 0; i < p.size(); ++i) log_mean += rule.weights[i] * std::log(p[i] + shift);
  return log_mean;
}

double ratio(std::int64_t num, std::int64_t den) {
  return den == 0 ? 0 : static_cast<double>(num) / static_cast<double>(den);
}

double floor_ratio(std::int64_t num, std::int64_t den) {
  return (num == 0 ? kEpsilon : static_cast<double>(num)) /
         (den == 0 ? 1 : static_cast<double>(den));
}

double released_sentence(const Rule& rule, const Counts& counts) {
  Precisions p(rule.weights.size());
  for (std::size_t i = 0; i < p.size(); ++i) {
    if (rule.smoothing == 1) {
      p[i] = floor_ratio(counts.num[i], counts.den[i]);
    } else if (rule.smoothing == 2) {
      p[i] = ratio(counts.num[i] + 1, counts.den[i] + 1);
    } else {
      p[i] = ratio(counts.num[i], counts.den[i]);
      if (rule.smoothing == 3 && p[i] == 0) p[i] = kTiny;
    }
  }
  return released_brevity(counts) * std::exp(released_log_mean(rule, p, kTiny));
}

double released_corpus(const Rule& rule, const Counts& sum) {
  if (sum.c == 0) return 0;
  Precisions p(rule.weights.size());
  for (std::size_t i = 0; i < p.size(); ++i) {
    if (rule.smoothing == 0 && sum.den[i] == 0) return 0;
    if (rule.smoothing == 1) {
      p[i] = floor_ratio(sum.num[i], sum.den[i]);
    } else if (rule.smoothing == 2) {
      p[i] = ratio(sum.num[i] + 1, sum.den[i] + 1);
    } else {
      p[i] = ratio(sum.num[i], sum.den[i]);
      if (rule.smoothing == 3 && p[i] == 0) p[i] = i == 0 ? kTiny : p[i - 1] / 2;
    }
  }
  const double shift = rule.smoothing == 0 ? kTiny : 0;
  return released_brevity(sum) * std::exp(released_log_mean(rule, p, shift));
}

// Which references the released corpus score uses at each order: a reference place that is too
// short for an order in one sentence is left out of that order in all of them.
std::vector<std::vector<bool>> usable_references(const Shape& shape, const Operands& operands,
                                                 SentenceReader& reader) {
  std::vector<std::vector<bool>> usable(
      static_cast<std::size_t>(shape.rule.orders()),
      std::vector<bool>(static_cast<std::size_t>(shape.refs), true));
  for (std::int64_t i = 0; i < shape.b; ++i) {
    reader.read(operands, i);
    for (std::size_t k = 1; k < reader.sentences().size(); ++k) {
      for (std::size_t n = 0; n < usable.size(); ++n) {
        if (reader.sentences()[k].length < static_cast<std::int64_t>(n + 1)) {
          usable[n][k - 1] = false;
        }
      }
    }
  }
  return usable;
}

// Numerators of order n with some reference places left out: counted again, the plain way.
std::int64_t recount(const Shape& shape, const Operands& operands, SentenceReader& reader, int n,
                     const std::vector<bool>& usable) {
  std::int64_t sum = 0;
  for (std::int64_t i = 0; i < shape.b; ++i) {
    reader.read(operands, i);
    std::vector<Sentence> references;
    for (std::size_t k = 0; k < usable.size(); ++k) {
      if (usable[k]) references.push_back(reader.sentences()[k + 1]);
    }
    sum += plain_numerator(reader.sentences()[0], references, n);
  }
  return sum;
}

Counts released_sums(const Shape& shape, const Operands& operands, std::span<const Counts> counts) {
  const Buffer workspace(SentenceReader::bytes(shape));
  SentenceReader reader(shape, workspace.data());
  const auto usable = usable_references(shape, operands, reader);
  Counts sum;
  for (const Counts& one : counts) {
    sum.c += one.c;
    sum.r += one.r;
  }
  for (int n = 1; n <= shape.rule.orders(); ++n) {
    const bool too_short =
        std::any_of(counts.begin(), counts.end(), [n](const Counts& one) { return one.c < n; });
    if (too_short) continue;  // the order is skipped for the whole batch
    for (const Counts& one : counts) {
      sum.num[at(n - 1)] += one.num[at(n - 1)];
      sum.den[at(n - 1)] += one.den[at(n - 1)];
    }
    const std::vector<bool>& use = usable[at(n - 1)];
    if (std::find(use.begin(), use.end(), false) != use.end()) {
      sum.num[at(n - 1)] = recount(shape, operands, reader, n, use);
    }
  }
  return sum;
}

}  // namespace

double sentence_score(const Rule& rule, const Counts& counts) {
  if (rule.semantics == Semantics::kReleased) return released_sentence(rule, counts);
  return nltk_score(rule, pool(rule.counted_orders(), {&counts, 1}));
}

double corpus_score(const Shape& shape, const Operands& operands, std::span<const Counts> counts) {
  if (shape.rule.semantics == Semantics::kReleased) {
    return released_corpus(shape.rule, released_sums(shape, operands, counts));
  }
  return nltk_score(shape.rule, pool(shape.rule.counted_orders(), counts));
}

}  // namespace sb::tensor_bleu
