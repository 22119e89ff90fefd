// What inputs hold. The fill and the seed are part of a row's identity: data decides speed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/tensor.h"

namespace sb {

// normal(mean, sd), uniform(lo, hi), constant(c), or a word that the operation itself understands.
struct Fill {
  enum class Kind { kNormal, kUniform, kConstant, kNamed };
  Kind kind = Kind::kNormal;
  double a = 0;      // mean, lo, c
  double b = 1;      // sd, hi
  std::string word;  // kNamed: the operation's own fill

  std::string text() const;  // canonical: "normal(0,4)"
};

// Throws std::invalid_argument with the cure. `own_fills` are the operation's words.
Fill parse_fill(std::string_view text, const std::vector<std::string>& own_fills);

// Fills every element of a floating tensor; element i depends on (fill, seed, i) alone, so that a
// tensor is the same whatever the thread count and however it is split. kNamed is the operation's.
void fill_tensor(const TensorSpec& spec, void* data, const Fill& fill, std::uint64_t seed);

// Counter-based generator: 64 well-mixed bits for (seed, index) (the splitmix64 finaliser).
std::uint64_t random_bits(std::uint64_t seed, std::uint64_t index);
double random_unit(std::uint64_t seed, std::uint64_t index);    // in [0, 1)
double random_normal(std::uint64_t seed, std::uint64_t index);  // Box-Muller

}  // namespace sb
