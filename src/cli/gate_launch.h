// A build of the program in a process of its own, behind what the gate asks of one.
#pragma once

#include <atomic>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "measure/gate.h"
#include "workload/workload.h"

namespace sb {

struct LaunchSettings {
  std::string side;     // "base" or "head": for messages
  std::string program;  // a path
  const Plan& plan;
  std::string filter;
  std::string device;
  const std::atomic<bool>* stop = nullptr;
};

// Throws UsageError, naming the program and the cure, if it cannot be started, is not a
// softmax-bench, or speaks another version of the protocol.
std::unique_ptr<GateLaunch> launch_build(const LaunchSettings& settings);

}  // namespace sb
