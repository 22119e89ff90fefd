// A YAML file with the places of its parts. Only this room sees yaml-cpp.
#pragma once

#include <yaml-cpp/yaml.h>

#include <string>
#include <vector>

namespace sb {

// Collects what is wrong: "file:line:column: what; cure".
class YamlErrors {
 public:
  YamlErrors(std::string file, std::vector<std::string>& all) : file_(std::move(file)), all_(all) {}

  void add(const std::string& what);  // about the file as a whole
  void add(const YAML::Mark& mark, const std::string& what);
  std::string place(const YAML::Mark& mark) const;  // "file:line:column"

 private:
  std::string file_;
  std::vector<std::string>& all_;
};

// The one document of the file, or of a text; a null node after an error.
YAML::Node read_yaml(const std::string& file, YamlErrors& errors);
YAML::Node parse_yaml(const std::string& text, YamlErrors& errors);

}  // namespace sb
