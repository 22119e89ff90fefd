// The key `peers` of a workload. Internal to the workload room (the only one that sees yaml-cpp).
#pragma once

#include <yaml-cpp/yaml.h>

#include <vector>

#include "core/peer_spec.h"
#include "workload/yaml_file.h"

namespace sb {

// {torch: {command: [python3, scripts/peers/torch_peer.py], env: {...}, timeout: 120}}
std::vector<PeerSpec> read_peer_specs(const YAML::Mark& mark, const YAML::Node& node,
                                      YamlErrors& errors);

}  // namespace sb
