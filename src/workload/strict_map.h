// A YAML mapping read strictly: every fault is collected with file and line, none ends the reading.
// Internal to the workload room (the only one that sees yaml-cpp).
#pragma once

#include <yaml-cpp/yaml.h>

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace sb {

class Faults {
 public:
  void add(const std::string& file, const YAML::Mark& mark, const std::string& what);
  void add(const std::string& line) { lines_.push_back(line); }
  bool empty() const { return lines_.empty(); }
  std::string text() const;   // a line per fault
  void throw_if_any() const;  // std::invalid_argument

 private:
  std::vector<std::string> lines_;
};

// Reads the file; adds "file:line:column: what" for a syntax error and returns an undefined node.
YAML::Node load_yaml(const std::string& file, Faults& faults);
YAML::Node load_yaml_text(const std::string& text, const std::string& file, Faults& faults);

class StrictMap {
 public:
  // A node that is no mapping is a fault; then every getter returns its default.
  StrictMap(const YAML::Node& node, std::string file, std::string what, Faults& faults);

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
  std::string file_;
  std::string what_;
  Faults& faults_;
  std::set<std::string> known_;
};

}  // namespace sb
