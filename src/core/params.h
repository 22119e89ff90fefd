// The parameters of a problem: validated, canonical, sorted by name.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sb {

// One parameter an operation takes. Integer parameters have a range; choices have words
// (`false` and `true` for switches).
struct ParamSpec {
  std::string name;
  std::string doc;                   // one line, with the unit
  std::int64_t min = 1;              // integers only
  std::int64_t max = INT64_MAX;      // integers only
  std::vector<std::string> choices;  // empty for integers
  std::string default_value;         // empty: the parameter must be given
};

// Values are kept as canonical text. A parameter equal to its default is left out of `text()`, so
// that an operation may grow an optional parameter without changing the identity of old rows.
class Params {
 public:
  Params() = default;
  // Takes the values as given and adds the defaults. Throws std::invalid_argument with a sentence
  // that names the parameter and the cure; `specs` outlives nothing (defaults are copied).
  Params(const std::vector<ParamSpec>& specs, const std::map<std::string, std::string>& values);

  std::int64_t integer(std::string_view name) const;  // throws std::out_of_range if absent
  const std::string& word(std::string_view name) const;
  bool flag(std::string_view name) const { return word(name) == "true"; }

  // All of them, those at their default included.
  const std::map<std::string, std::string, std::less<>>& values() const { return values_; }

  std::string text() const;  // "cols=1024;rows=1"
  bool operator==(const Params&) const = default;
  auto operator<=>(const Params&) const = default;

 private:
  std::map<std::string, std::string, std::less<>> values_;
  std::vector<std::string> at_default_;  // names, sorted
};

// Empty if `value` is allowed by `spec`, else a sentence that says what is.
std::string why_not_a_value(const ParamSpec& spec, const std::string& value);

// The candidate nearest to `word` by edit distance, or empty if none is near: for error messages.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace sb
