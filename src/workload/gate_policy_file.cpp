#include "workload/gate_policy_file.h"

#include "workload/strict_map.h"

namespace sb {
namespace {

void read_thresholds(const YAML::Node& list, GatePolicy& policy, YamlErrors& errors) {
  for (const YAML::Node& node : list) {
    StrictMap map(node, "thresholds", errors);
    ThresholdRule rule;
    rule.pattern = map.required_text("rows");
    rule.threshold = map.number_in("threshold", 0.001, 10, 0.03);
    if (!map.has("threshold")) map.fault("threshold", "\"threshold\" is missing");
    map.refuse_unknown();
    policy.thresholds.push_back(rule);
  }
}

void read_ignore(const YAML::Node& list, GatePolicy& policy, YamlErrors& errors) {
  for (const YAML::Node& node : list) {
    StrictMap map(node, "ignore", errors);
    IgnoreRule rule;
    rule.pattern = map.required_text("rows");
    rule.reason = map.required_text("reason");
    map.refuse_unknown();
    policy.ignore.push_back(rule);
  }
}

// Six launch pairs are the least for which the sign test gives a 95 % interval at all.
constexpr int kLeastPairs = 6;
constexpr int kLeastRerunPairs = 11;  // and eleven for a 99.9 % interval

GatePolicy read_policy(const YAML::Node& root, YamlErrors& errors) {
  GatePolicy policy;
  if (!root.IsDefined()) return policy;
  StrictMap map(root, "gate policy", errors);
  policy.threshold = map.number_in("threshold", 0.001, 10, policy.threshold);
  policy.launch_pairs = map.integer_in("launch_pairs", kLeastPairs, 1000, policy.launch_pairs);
  policy.rerun_pairs = map.integer_in("rerun_pairs", kLeastRerunPairs, 1000, policy.rerun_pairs);
  policy.rounds = map.integer_in("rounds", 1, 10000, policy.rounds);
  read_thresholds(map.node("thresholds"), policy, errors);
  read_ignore(map.node("ignore"), policy, errors);
  map.refuse_unknown();
  return policy;
}

}  // namespace

GatePolicy load_gate_policy(const std::string& file) {
  std::vector<std::string> all;
  YamlErrors errors(file, all);
  const YAML::Node root = read_yaml(file, errors);
  GatePolicy policy;
  if (all.empty()) policy = read_policy(root, errors);
  throw_if_any(all);
  return policy;
}

}  // namespace sb
