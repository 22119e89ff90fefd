#include "core/fill.h"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <numbers>
#include <stdexcept>

#include "core/params.h"

namespace sb {
namespace {

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

[[noreturn]] void refuse(std::string_view text, const std::vector<std::string>& own_fills) {
  std::string message = "\"" + std::string(text) +
                        "\" is not a fill; use normal(mean, sd), uniform(lo, hi), constant(c)";
  for (const std::string& word : own_fills) message += ", " + word;
  throw std::invalid_argument(message);
}

std::vector<double> arguments(std::string_view inside, std::string_view whole,
                              const std::vector<std::string>& own_fills) {
  std::vector<double> values;
  while (!inside.empty()) {
    const std::size_t comma = std::min(inside.find(','), inside.size());
    std::string_view word = inside.substr(0, comma);
    while (word.starts_with(' ')) word.remove_prefix(1);
    while (word.ends_with(' ')) word.remove_suffix(1);
    double value = 0;
    const auto result = std::from_chars(word.data(), word.data() + word.size(), value);
    if (result.ec != std::errc() || result.ptr != word.data() + word.size() ||
        !std::isfinite(value)) {
      refuse(whole, own_fills);
    }
    values.push_back(value);
    inside.remove_prefix(std::min(comma + 1, inside.size()));
  }
  return values;
}

}  // namespace

std::string Fill::text() const {
  switch (kind) {
    case Kind::kNormal:
      return "normal(" + number(a) + "," + number(b) + ")";
    case Kind::kUniform:
      return "uniform(" + number(a) + "," + number(b) + ")";
    case Kind::kConstant:
      return "constant(" + number(a) + ")";
    case Kind::kNamed:
      return word;
  }
  return word;
}

Fill parse_fill(std::string_view text, const std::vector<std::string>& own_fills) {
  for (const std::string& word : own_fills) {
    if (word == text) return {.kind = Fill::Kind::kNamed, .a = 0, .b = 0, .word = word};
  }
  const std::size_t open = text.find('(');
  if (open == std::string_view::npos || !text.ends_with(')')) refuse(text, own_fills);
  const std::string_view kind = text.substr(0, open);
  const std::vector<double> values =
      arguments(text.substr(open + 1, text.size() - open - 2), text, own_fills);
  if (kind == "normal" && values.size() == 2 && values[1] >= 0) {
    return {.kind = Fill::Kind::kNormal, .a = values[0], .b = values[1], .word = ""};
  }
  if (kind == "uniform" && values.size() == 2 && values[0] <= values[1]) {
    return {.kind = Fill::Kind::kUniform, .a = values[0], .b = values[1], .word = ""};
  }
  if (kind == "constant" && values.size() == 1) {
    return {.kind = Fill::Kind::kConstant, .a = values[0], .b = 0, .word = ""};
  }
  refuse(text, own_fills);
}

std::uint64_t random_bits(std::uint64_t seed, std::uint64_t index) {
  std::uint64_t z = seed * 0xd1342543de82ef95u + (index + 1) * 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

double random_unit(std::uint64_t seed, std::uint64_t index) {
  return static_cast<double>(random_bits(seed, index) >> 11) * 0x1p-53;
}

double random_normal(std::uint64_t seed, std::uint64_t index) {
  // Single precision is ample for test data and four times as fast on a gigabyte of it.
  const std::uint64_t bits = random_bits(seed, index);
  const float u = (static_cast<float>(bits >> 40) + 0.5f) * 0x1p-24f;  // (0, 1)
  const float v = static_cast<float>(bits & 0xffffffu) * 0x1p-24f;
  return std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi_v<float> * v);
}

void fill_tensor(const TensorSpec& spec, void* data, const Fill& fill, std::uint64_t seed) {
  const std::int64_t count = spec.count();
#pragma omp parallel for schedule(static) if (count > 65536)
  for (std::int64_t i = 0; i < count; ++i) {
    const auto index = static_cast<std::uint64_t>(i);
    double value = fill.a;
    if (fill.kind == Fill::Kind::kNormal) value += fill.b * random_normal(seed, index);
    if (fill.kind == Fill::Kind::kUniform) value += (fill.b - fill.a) * random_unit(seed, index);
    store_from_double(spec.dtype, data, spec.offset(i), value);
  }
}

}  // namespace sb
