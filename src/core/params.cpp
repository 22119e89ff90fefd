#include "core/params.h"

#include <algorithm>
#include <charconv>
#include <numeric>
#include <stdexcept>

namespace sb {
namespace {

bool parse_integer(const std::string& text, std::int64_t& value) {
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  return result.ec == std::errc() && result.ptr == end;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row.back();
}

}  // namespace

std::string why_not_a_value(const ParamSpec& spec, const std::string& value) {
  if (!spec.choices.empty()) {
    if (std::find(spec.choices.begin(), spec.choices.end(), value) != spec.choices.end()) return "";
    return "\"" + value + "\" is not a value of " + spec.name + "; use one of " +
           joined(spec.choices);
  }
  std::int64_t number = 0;
  if (!parse_integer(value, number)) {
    return "\"" + value + "\" is not an integer, as " + spec.name + " must be";
  }
  if (number < spec.min || number > spec.max) {
    return spec.name + " = " + value + " is outside " + std::to_string(spec.min) + " to " +
           (spec.max == INT64_MAX ? "any" : std::to_string(spec.max));
  }
  return "";
}

Params::Params(const std::vector<ParamSpec>& specs,
               const std::map<std::string, std::string>& values) {
  std::vector<std::string> names;
  for (const ParamSpec& spec : specs) names.push_back(spec.name);
  for (const auto& [name, value] : values) {
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    const std::string near = nearest(name, names);
    throw std::invalid_argument(
        "unknown parameter \"" + name + "\"" +
        (near.empty() ? "; known: " + joined(names) : "; did you mean \"" + near + "\"?"));
  }
  for (const ParamSpec& spec : specs) {
    const auto given = values.find(spec.name);
    if (given == values.end() && spec.default_value.empty()) {
      throw std::invalid_argument("parameter \"" + spec.name + "\" is missing (" + spec.doc + ")");
    }
    const std::string& value = given == values.end() ? spec.default_value : given->second;
    if (const std::string why = why_not_a_value(spec, value); !why.empty()) {
      throw std::invalid_argument(why);
    }
    values_[spec.name] = value;
    if (value == spec.default_value) at_default_.push_back(spec.name);
  }
  std::sort(at_default_.begin(), at_default_.end());
}

const std::string& Params::word(std::string_view name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) throw std::out_of_range("no parameter " + std::string(name));
  return found->second;
}

std::int64_t Params::integer(std::string_view name) const {
  std::int64_t value = 0;
  if (!parse_integer(word(name), value)) {
    throw std::out_of_range("parameter " + std::string(name) + " is not an integer");
  }
  return value;
}

std::string Params::text() const {
  std::string text;
  for (const auto& [name, value] : values_) {
    if (std::binary_search(at_default_.begin(), at_default_.end(), name)) continue;
    text += (text.empty() ? "" : ";") + name + "=" + value;
  }
  return text;
}

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

}  // namespace sb
