#include "suites/tensor_bleu/fills.h"

#include <algorithm>
#include <cmath>

namespace sb::tensor_bleu {
namespace {

// Tokens 1 ... vocab, u^3 skewed: a tenth of the text is made of the first thousandth of the
// vocabulary, and bigrams repeat within a sentence of a thousand tokens.
std::int64_t draw(std::int64_t vocab, std::uint64_t seed, std::uint64_t index) {
  const double u = random_unit(seed, index);
  return 1 + static_cast<std::int64_t>(static_cast<double>(vocab) * u * u * u);
}

class Writer {
 public:
  Writer(const Problem& problem, const Fill& fill, std::uint64_t seed)
      : shape_(problem), vocab_(problem.params.integer("vocab")), fill_(fill), seed_(seed) {}

  // Row `which` of item i: 0 is the candidate, 1 ... the references.
  void write(std::int64_t i, std::int64_t which, std::int64_t* row) const {
    const auto item = static_cast<std::uint64_t>(i);
    const std::uint64_t own = random_bits(seed_, item * 1000 + static_cast<std::uint64_t>(which));
    const std::uint64_t common = random_bits(seed_, item * 1000 + 1);  // reference 0's
    const std::int64_t length = length_of(own);
    for (std::int64_t p = 0; p < shape_.s; ++p) {
      const auto at = static_cast<std::uint64_t>(p);
      row[p] = p < length ? avoid_pad(token(own, common, which, at)) : shape_.pad;
      if (fill_.word == "interior_pads" && random_bits(own ^ 5, at) % 8 == 0) row[p] = shape_.pad;
    }
  }

 private:
  std::int64_t length_of(std::uint64_t own) const {
    const auto s = static_cast<std::uint64_t>(shape_.s);
    if (fill_.word == "ragged") return static_cast<std::int64_t>(random_bits(own, 1) % (s + 1));
    if (fill_.word == "ties") {
      const auto length = static_cast<std::int64_t>(s / 2 + random_bits(own, 1) % 3) - 1;
      return std::clamp<std::int64_t>(length, 0, shape_.s);
    }
    return shape_.s;
  }

  std::int64_t token(std::uint64_t own, std::uint64_t common, std::int64_t which,
                     std::uint64_t at) const {
    if (fill_.kind == Fill::Kind::kConstant) return std::llround(fill_.a);
    if (fill_.kind == Fill::Kind::kUniform) {
      return std::llround(fill_.a + (fill_.b - fill_.a) * random_unit(own, at));
    }
    if (fill_.kind == Fill::Kind::kNormal) {
      return std::llround(fill_.a + fill_.b * random_normal(own, at));
    }
    if (fill_.word == "repeated") return 1;
    if (fill_.word == "disjoint") return draw(vocab_, own, at) + (which == 0 ? vocab_ : 0);
    const std::uint64_t moved = which == 1 ? 0 : random_bits(own, 2) % 4;
    const bool edited = which != 1 && random_bits(own ^ 3, at) % 10 < 3;
    const std::int64_t t = edited ? draw(vocab_, own ^ 4, at) : draw(vocab_, common, at + moved);
    return fill_.word == "big_ids" ? (t << 32) + 77 : t;
  }

  std::int64_t avoid_pad(std::int64_t t) const { return t == shape_.pad ? t + 1 : t; }

  Shape shape_;
  std::int64_t vocab_;
  Fill fill_;
  std::uint64_t seed_;
};

}  // namespace

std::vector<std::string> fill_words() {
  return {"edited", "ragged", "ties", "interior_pads", "repeated", "disjoint", "big_ids"};
}

void fill_tokens(const Problem& problem, const Fill& fill, std::uint64_t seed,
                 std::int64_t* candidates, std::int64_t* references) {
  const Shape shape(problem);
  const Writer writer(problem, fill, seed);
#pragma omp parallel for schedule(static)
  for (std::int64_t i = 0; i < shape.b; ++i) {
    writer.write(i, 0, candidates + i * shape.s);
    for (std::int64_t k = 0; k < shape.refs; ++k) {
      writer.write(i, 1 + k, references + (i * shape.refs + k) * shape.s);
    }
  }
}

}  // namespace sb::tensor_bleu
