#include "workload/strict_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "core/params.h"

namespace sb {

void Faults::add(const std::string& file, const YAML::Mark& mark, const std::string& what) {
  lines_.push_back(fmt::format("{}:{}:{}: {}", file, mark.line + 1, mark.column + 1, what));
}

std::string Faults::text() const { return fmt::format("{}", fmt::join(lines_, "\n")); }

void Faults::throw_if_any() const {
  if (!lines_.empty()) throw std::invalid_argument(text());
}

YAML::Node load_yaml_text(const std::string& text, const std::string& file, Faults& faults) {
  try {
    return YAML::Load(text);
  } catch (const YAML::ParserException& error) {
    faults.add(file, error.mark, "not YAML: " + error.msg);
    return YAML::Node(YAML::NodeType::Undefined);
  }
}

YAML::Node load_yaml(const std::string& file, Faults& faults) {
  std::ifstream stream(file);
  std::ostringstream text;
  if (!stream || !(text << stream.rdbuf())) {
    faults.add(file + ": cannot be read, or is empty");
    return YAML::Node(YAML::NodeType::Undefined);
  }
  return load_yaml_text(text.str(), file, faults);
}

StrictMap::StrictMap(const YAML::Node& node, std::string file, std::string what, Faults& faults)
    : node_(node), file_(std::move(file)), what_(std::move(what)), faults_(faults) {
  if (!node_.IsDefined() || node_.IsMap()) {
    std::set<std::string> seen;
    for (const auto& pair : node_) {
      if (!seen.insert(pair.first.Scalar()).second) {
        faults_.add(file_, pair.first.Mark(),
                    fmt::format("{}: key \"{}\" appears twice", what_, pair.first.Scalar()));
      }
    }
    return;
  }
  faults_.add(file_, node_.Mark(), what_ + " must be a mapping (key: value)");
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
  faults_.add(file_, mark, fmt::format("{}: {}", what_, what));
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
    faults_.add(file_, pair.first.Mark(),
                fmt::format("{}: unknown key \"{}\"{}", what_, key,
                            near.empty() ? fmt::format("; known are {}", fmt::join(known, ", "))
                                         : fmt::format("; did you mean \"{}\"?", near)));
  }
}

}  // namespace sb
