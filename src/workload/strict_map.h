// A YAML mapping read strictly: every fault is collected with file and line, none ends the reading.
// Internal to the workload room (the only one that sees yaml-cpp).
#pragma once

#include <yaml-cpp/yaml.h>

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "workload/yaml_file.h"

namespace sb {

// Throws std::invalid_argument with a line per error, if there are any.
void throw_if_any(const std::vector<std::string>& errors);

class StrictMap {
 public:
  // A node that is no mapping is a fault; then every getter returns its default.
  StrictMap(const YAML::Node& node, std::string what, YamlErrors& errors);

  bool has(const std::string& key) const;
  YAML::Node node(const std::string& key);  // undefined if absent

  std::string text(const std::string& key, const std::string& fallback = "");
  std::string required_text(const std::string& key);
  // One of `words`; a fault names the nearest.
  std::string word(const std::string& key, const std::vector<std::string>& words,
                   const std::string& fallback);
  std::optional<double> number(const std::string& key);
  double number_in(const std::string& key, double lo, double hi, double fallback);
  int integer_in(const std::string& key, int lo, int hi, int fallback);
  bool flag(const std::string& key);
  std::vector<std::string> words(const std::string& key);  // a list, or one word

  void fault(const std::string& key, const std::string& what);
  void refuse_unknown();  // keys nobody asked for are faults, with the nearest that is known
  int line() const { return node_.Mark().line + 1; }

 private:
  YAML::Node node_;
  std::string what_;
  YamlErrors& errors_;
  std::set<std::string> known_;
};

}  // namespace sb
