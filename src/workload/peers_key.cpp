#include "workload/peers_key.h"

#include <fmt/format.h>

#include <algorithm>

#include "workload/strict_map.h"
#include "workload/workload.h"

namespace sb {
namespace {

constexpr double kLongestReply = 86400;

PeerSpec read_peer_spec(const std::string& name, const YAML::Node& node, YamlErrors& errors) {
  StrictMap map(node, "peer " + name, errors);
  PeerSpec spec{.name = name};
  spec.command = map.words("command");
  if (spec.command.empty() || spec.command[0].empty()) {
    map.fault("command", "needs a command, e.g. command: [python3, scripts/peers/torch_peer.py]");
  }
  const YAML::Node env = map.node("env");
  if (env.IsDefined()) {
    StrictMap variables(env, "env of peer " + name, errors);
    if (env.IsMap()) {
      for (const auto& pair : env) {
        const std::string variable = pair.first.Scalar();
        spec.env[variable] = variables.text(variable);
      }
    }
  }
  spec.timeout_s = map.number_in("timeout", 0.001, kLongestReply, spec.timeout_s);
  map.refuse_unknown();
  return spec;
}

}  // namespace

std::vector<PeerSpec> read_peer_specs(const YAML::Mark& mark, const YAML::Node& node,
                                      YamlErrors& errors) {
  std::vector<PeerSpec> specs;
  if (!node.IsMap()) {
    errors.add(mark, "peers must be a mapping, e.g. peers: {torch: {command: [python3, ...]}}");
    return specs;
  }
  for (const auto& pair : node) {
    const std::string name = pair.first.Scalar();
    if (PeerSpec::is_name(name)) {
      specs.push_back(read_peer_spec(name, pair.second, errors));
    } else {
      errors.add(pair.first.Mark(),
                 fmt::format("peer name \"{}\" must be of letters, digits, '-' and '_', and begin "
                             "with a small letter",
                             name));
    }
  }
  return specs;
}

PeerMentions read_peers(const std::vector<std::string>& files, const Overrides& overrides,
                        std::vector<std::string>& errors) {
  PeerMentions mentions;
  std::vector<std::string> reported_by_the_plan;
  for (const Workload& workload : read_workloads(files, reported_by_the_plan)) {
    mentions.longest_case_s =
        std::max(mentions.longest_case_s, overrides.timeout_s.value_or(workload.timeout_s));
    for (const PeerSpec& spec : workload.peers) {
      if (spec.command.empty()) continue;
      const auto same = std::find_if(mentions.peers.begin(), mentions.peers.end(),
                                     [&](const PeerSpec& p) { return p.name == spec.name; });
      if (same == mentions.peers.end()) {
        mentions.peers.push_back(spec);
      } else if (*same != spec) {
        errors.push_back(
            fmt::format("{}: peer \"{}\" is another program in another workload of "
                        "this run; rename one of them",
                        workload.place, spec.name));
      }
    }
    if (workload.op == nullptr) continue;
    std::vector<std::string> words =
        overrides.variants.empty() ? workload.variants : overrides.variants;
    words.push_back(workload.baseline);
    for (const std::string& word : words) {
      if (word.find(':') != std::string::npos)
        mentions.words.emplace_back(workload.op->name(), word);
    }
  }
  return mentions;
}

}  // namespace sb
