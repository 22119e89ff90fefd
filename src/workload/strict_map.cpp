#include "workload/strict_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "core/params.h"

namespace sb {

void throw_if_any(const std::vector<std::string>& errors) {
  if (!errors.empty()) throw std::invalid_argument(fmt::format("{}", fmt::join(errors, "\n")));
}

StrictMap::StrictMap(const YAML::Node& node, std::string what, YamlErrors& errors)
    : node_(node), what_(std::move(what)), errors_(errors) {
  if (!node_.IsDefined() || node_.IsMap()) {
    std::set<std::string> seen;
    for (const auto& pair : node_) {
      if (!seen.insert(pair.first.Scalar()).second) {
        errors_.add(pair.first.Mark(),
                    fmt::format("{}: key \"{}\" appears twice", what_, pair.first.Scalar()));
      }
    }
    return;
  }
  errors_.add(node_.Mark(), what_ + " must be a mapping (key: value)");
  node_ = YAML::Node(YAML::NodeType::Map);
}

bool StrictMap::has(const std::string& key) const {
  const YAML::Node& node = node_;
  return node.IsMap() && node[key].IsDefined();
}

YAML::Node StrictMap::node(const std::string& key) {
  known_.insert(key);
  return has(key) ? node_[key] : YAML::Node(YAML::NodeType::Undefined);
}

void StrictMap::fault(const std::string& key, const std::string& what) {
  const YAML::Mark mark = has(key) ? node_[key].Mark() : node_.Mark();
  errors_.add(mark, fmt::format("{}: {}", what_, what));
}

std::string StrictMap::text(const std::string& key, const std::string& fallback) {
  const YAML::Node value = node(key);
  if (!value.IsDefined()) return fallback;
  if (value.IsScalar()) return value.Scalar();
  fault(key, fmt::format("\"{}\" must be text", key));
  return fallback;
}

std::string StrictMap::required_text(const std::string& key) {
  const std::string value = text(key);
  if (value.empty()) fault(key, fmt::format("\"{}\" is missing or empty", key));
  return value;
}

std::string StrictMap::word(const std::string& key, const std::vector<std::string>& words,
                            const std::string& fallback) {
  const std::string value = text(key, fallback);
  if (std::find(words.begin(), words.end(), value) != words.end()) return value;
  const std::string near = nearest(value, words);
  fault(key, near.empty()
                 ? fmt::format("{}: \"{}\" is none of {}", key, value, fmt::join(words, ", "))
                 : fmt::format("{}: unknown word \"{}\"; did you mean \"{}\"?", key, value, near));
  return fallback;
}

std::optional<double> StrictMap::number(const std::string& key) {
  const YAML::Node value = node(key);
  if (!value.IsDefined()) return std::nullopt;
  double number = 0;
  if (value.IsScalar() && YAML::convert<double>::decode(value, number) && std::isfinite(number)) {
    return number;
  }
  fault(key, fmt::format("\"{}\" must be a finite number", key));
  return std::nullopt;
}

double StrictMap::number_in(const std::string& key, double lo, double hi, double fallback) {
  const double value = number(key).value_or(fallback);
  if (value >= lo && value <= hi) return value;
  fault(key, fmt::format("\"{}\" is {}, must lie in [{}, {}]", key, value, lo, hi));
  return fallback;
}

int StrictMap::integer_in(const std::string& key, int lo, int hi, int fallback) {
  const double value = number_in(key, lo, hi, fallback);
  if (value == std::floor(value)) return static_cast<int>(value);
  fault(key, fmt::format("\"{}\" must be a whole number", key));
  return fallback;
}

bool StrictMap::flag(const std::string& key) {
  return word(key, {"true", "false"}, "false") == "true";
}

std::vector<std::string> StrictMap::words(const std::string& key) {
  const YAML::Node value = node(key);
  if (!value.IsDefined()) return {};
  if (value.IsScalar()) return {value.Scalar()};
  std::vector<std::string> list;
  for (const YAML::Node& item : value) {
    if (value.IsSequence() && item.IsScalar()) {
      list.push_back(item.Scalar());
    } else {
      fault(key, fmt::format("\"{}\" must be a word or a list of words", key));
      return {};
    }
  }
  return list;
}

void StrictMap::refuse_unknown() {
  const std::vector<std::string> known(known_.begin(), known_.end());
  for (const auto& pair : node_) {
    const std::string key = pair.first.Scalar();
    if (known_.count(key) != 0) continue;
    const std::string near = nearest(key, known);
    errors_.add(pair.first.Mark(),
                fmt::format("{}: unknown key \"{}\"{}", what_, key,
                            near.empty() ? fmt::format("; known are {}", fmt::join(known, ", "))
                                         : fmt::format("; did you mean \"{}\"?", near)));
  }
}

}  // namespace sb
