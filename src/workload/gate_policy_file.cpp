#include "workload/gate_policy_file.h"

#include "workload/strict_map.h"

namespace sb {
namespace {

void read_thresholds(const YAML::Node& list, const std::string& file, GatePolicy& policy,
                     Faults& faults) {
  for (const YAML::Node& node : list) {
    StrictMap map(node, file, "thresholds", faults);
    ThresholdRule rule;
    rule.pattern = map.required_text("rows");
    rule.threshold = map.number_in("threshold", 0.001, 10, 0.03);
    if (!map.has("threshold")) map.fault("threshold", "\"threshold\" is missing");
    map.refuse_unknown();
    policy.thresholds.push_back(rule);
  }
}

void read_ignore(const YAML::Node& list, const std::string& file, GatePolicy& policy,
                 Faults& faults) {
  for (const YAML::Node& node : list) {
    StrictMap map(node, file, "ignore", faults);
    IgnoreRule rule;
    rule.pattern = map.required_text("rows");
    rule.reason = map.required_text("reason");
    map.refuse_unknown();
    policy.ignore.push_back(rule);
  }
}

// Six launch pairs are the least for which the sign test gives a 95 % interval at all.
constexpr int kLeastPairs = 6;

GatePolicy read_policy(const YAML::Node& root, const std::string& file, Faults& faults) {
  GatePolicy policy;
  if (!root.IsDefined()) return policy;
  StrictMap map(root, file, "gate policy", faults);
  policy.threshold = map.number_in("threshold", 0.001, 10, policy.threshold);
  policy.launch_pairs = map.integer_in("launch_pairs", kLeastPairs, 1000, policy.launch_pairs);
  policy.rerun_pairs = map.integer_in("rerun_pairs", kLeastPairs, 1000, policy.rerun_pairs);
  policy.rounds = map.integer_in("rounds", 1, 10000, policy.rounds);
  read_thresholds(map.node("thresholds"), file, policy, faults);
  read_ignore(map.node("ignore"), file, policy, faults);
  map.refuse_unknown();
  return policy;
}

}  // namespace

GatePolicy parse_gate_policy(const std::string& text, const std::string& file) {
  Faults faults;
  GatePolicy policy = read_policy(load_yaml_text(text, file, faults), file, faults);
  faults.throw_if_any();
  return policy;
}

GatePolicy load_gate_policy(const std::string& file) {
  Faults faults;
  GatePolicy policy = read_policy(load_yaml(file, faults), file, faults);
  faults.throw_if_any();
  return policy;
}

}  // namespace sb
