#include "cli/gate_launch.h"

#include <unistd.h>
#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include <chrono>

#include "cli/exit_code.h"
#include "cli/gate_protocol.h"
#include "measure/child_process.h"

namespace sb {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr double kGreetingTimeoutS = 20;  // to start, to register, to look up the cases
constexpr int kPollMs = 50;

class ProcessLaunch final : public GateLaunch {
 public:
  explicit ProcessLaunch(const LaunchSettings& settings)
      : settings_(settings), process_({settings.program, kGateWorker}) {
    greet();
    json job = {{"gate_protocol", kGateProtocol},
                {"parent", getpid()},
                {"groups", gate_groups(settings.plan, settings.filter, settings.device)}};
    const json reply = ask(job, kGreetingTimeoutS);
    plan_ = understood(reply);
    without_ = reply.value("without", json::object());
  }

  std::vector<GateGroup> plan() override { return plan_; }

  std::string why_without(Device device) override {
    return without_.value(std::string(name_of(device)), "");
  }

  std::vector<std::string> prepare(std::size_t group, const std::vector<std::size_t>& cases,
                                   bool verify) override {
    timeout_s_ = plan_.at(group).timeout_s;
    send({{"prepare", group}, {"cases", cases}, {"verify", verify}});
    std::vector<std::string> faults;
    for (std::size_t i = 0; i < cases.size(); ++i) {
      try {
        faults.push_back(receive(timeout_s_).at("fault").get<std::string>());
      } catch (const LaunchDied& death) {
        throw LaunchDied(death.what(), i);
      } catch (const json::exception&) {
        throw LaunchDied("sent no sound reply", i);
      }
    }
    return faults;
  }

  double sample_ns(std::size_t which_case, std::int64_t iterations) override {
    return ask_ns({{"sample", which_case}, {"iterations", iterations}});
  }
  double warm_up_ns(std::size_t which_case, std::int64_t iterations) override {
    return ask_ns({{"sample", which_case}, {"iterations", iterations}, {"warm_up", true}});
  }

 private:
  double ask_ns(const json& request) {
    try {
      return ask(request, timeout_s_).at("ns").get<double>();
    } catch (const json::exception&) {
      throw LaunchDied("sent no sound reply");
    }
  }

  [[noreturn]] void refuse(const std::string& what) const {
    throw UsageError(fmt::format("--{} {}: {}", settings_.side, settings_.program, what));
  }

  void greet() {
    json hello;
    try {
      hello = receive(kGreetingTimeoutS);
    } catch (const LaunchDied& death) {
      refuse(
          fmt::format("no softmax-bench with a gate worker ({}); give the program of a build "
                      "that has the command `gate`",
                      death.what()));
    }
    const int theirs = hello.is_object() ? hello.value("gate_protocol", 0) : 0;
    if (theirs == kGateProtocol) return;
    refuse(
        fmt::format("speaks version {} of the gate's protocol, this program version {}; build "
                    "both from commits that agree",
                    theirs, kGateProtocol));
  }

  std::vector<GateGroup> understood(const json& reply) const {
    std::vector<GateGroup> groups;
    try {
      for (std::size_t i = 0; i < settings_.plan.groups.size(); ++i) {
        const Group& asked = settings_.plan.groups[i].group;
        GateGroup group{.min_time_s = asked.min_time_s,
                        .timeout_s = asked.timeout_s,
                        .threads = asked.problem.threads};
        for (const json& c : reply.at("groups").at(i)) {
          group.cases.push_back({c.at("name"), c.at("why_skipped")});
          parse_device(c.value("device", "cpu"), group.cases.back().device);
        }
        groups.push_back(std::move(group));
      }
    } catch (const json::exception&) {
      refuse("does not answer as a gate worker does; build it again");
    }
    return groups;
  }

  json ask(const json& request, double timeout_s) {
    send(request);
    return receive(timeout_s);
  }

  void send(const json& request) {
    if (!process_.write_line(request.dump())) throw LaunchDied(process_.wait_for_end());
  }

  // A reply, or LaunchDied: the process is gone, silent for too long, or talks nonsense.
  json receive(double timeout_s) {
    const auto deadline = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                             std::chrono::duration<double>(timeout_s));
    std::string line;
    while (true) {
      const ChildProcess::Heard heard = process_.read_line(line, kPollMs);
      if (heard == ChildProcess::Heard::kLine) break;
      if (heard == ChildProcess::Heard::kEnd) throw LaunchDied(process_.wait_for_end());
      if (settings_.stop != nullptr && settings_.stop->load()) throw LaunchDied("interrupted");
      if (Clock::now() > deadline) {
        throw LaunchDied(fmt::format("no answer within {:g} s", timeout_s));
      }
    }
    json reply = json::parse(line, nullptr, false);
    if (!reply.is_object()) throw LaunchDied("sent a reply that is no JSON object");
    if (reply.contains("lost")) throw LaunchDied(reply["lost"].dump());
    if (reply.contains("error")) throw std::runtime_error(reply["error"].dump());
    return reply;
  }

  LaunchSettings settings_;
  ChildProcess process_;
  std::vector<GateGroup> plan_;
  json without_;
  double timeout_s_ = kGreetingTimeoutS;
};

}  // namespace

json gate_groups(const Plan& plan, const std::string& filter, const std::string& device) {
  std::map<std::string, const Workload*> workloads;
  for (const Workload& workload : plan.workloads) workloads[workload.name] = &workload;
  json groups = json::array();
  for (const PlannedGroup& planned : plan.groups) {
    const Group& group = planned.group;
    groups.push_back({{"workload", group.workload},
                      {"op", group.op->name()},
                      {"params", group.problem.params.text()},
                      {"dtype", name_of(group.problem.dtype)},
                      {"threads", group.problem.threads},
                      {"cache", name_of(group.cache)},
                      {"fill", group.fill.text()},
                      {"seed", group.seed},
                      {"variants", workloads.at(group.workload)->variants},
                      {"filter", filter},
                      {"device", device},
                      {"refused", planned.refused}});
  }
  return groups;
}

std::unique_ptr<GateLaunch> launch_build(const LaunchSettings& settings) {
  try {
    return std::make_unique<ProcessLaunch>(settings);
  } catch (const LaunchDied& death) {
    throw UsageError(fmt::format("--{} {}: ended before it answered ({})", settings.side,
                                 settings.program, death.what()));
  } catch (const UsageError&) {
    throw;
  } catch (const std::runtime_error& error) {
    throw UsageError(fmt::format("--{} {}", settings.side, error.what()));
  }
}

}  // namespace sb
