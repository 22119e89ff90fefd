// The worker's side of the gate: one build of the program, which does as it is told.
#include <fmt/format.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <csignal>
#include <iostream>
#include <map>
#include <optional>
#include <regex>

#include "cli/command_line.h"
#include "cli/environment.h"
#include "cli/exit_code.h"
#include "cli/gate_protocol.h"
#include "core/registry.h"
#include "measure/child_process.h"
#include "measure/prepared_group.h"

namespace sb {
namespace {

using nlohmann::json;

void reply(const json& message) {
  const std::string line = message.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
  for (std::size_t written = 0; written < line.size();) {
    const ssize_t n = write(ChildProcess::kReplies, line.data() + written, line.size() - written);
    if (n < 0) std::_Exit(kExitUsage);  // nobody listens any more
    written += static_cast<std::size_t>(n);
  }
}

std::map<std::string, std::string> values_in(const std::string& params) {
  std::map<std::string, std::string> values;
  for (const std::string& part : split(params, ';')) {
    const std::size_t equals = part.find('=');
    values[part.substr(0, equals)] = part.substr(equals + 1);
  }
  return values;
}

// A group as this build knows it; without variants where it does not know the words.
struct KnownGroup {
  Group group;
  std::string refused;
};

KnownGroup known_group(const json& words) {
  KnownGroup known;
  Group& group = known.group;
  group.workload = words.at("workload");
  group.op = Registry::instance().find_operation(words.at("op").get<std::string>());
  const auto& dtype = words.at("dtype").get_ref<const std::string&>();
  const auto& cache = words.at("cache").get_ref<const std::string&>();
  if (group.op == nullptr || !parse_dtype(dtype, group.problem.dtype) ||
      !parse_cache_state(cache, group.cache)) {
    return known;
  }
  try {
    group.problem.params = Params(group.op->params(), values_in(words.at("params")));
    group.fill = parse_fill(words.at("fill").get<std::string>(), group.op->fills());
  } catch (const std::invalid_argument&) {
    return known;
  }
  group.problem.threads = words.at("threads");
  group.seed = words.at("seed");
  known.refused = words.at("refused");
  if (known.refused.empty()) known.refused = group.op->why_not(group.problem);
  const std::string device = words.value("device", std::string(name_of(Device::kCpu)));
  const std::regex filter(words.at("filter").get<std::string>(), std::regex::ECMAScript);
  for (const Variant* variant : Registry::instance().variants_of(group.op->name())) {
    const bool wanted =
        std::any_of(words.at("variants").begin(), words.at("variants").end(),
                    [&](const json& glob) { return selects(glob.get<std::string>(), *variant); });
    const bool there =
        device == "all" ? is_timed(variant->device) : device == name_of(variant->device);
    if (wanted && there && std::regex_search(case_name(group, *variant), filter)) {
      group.variants.push_back(variant);
    }
  }
  return known;
}

class Worker {
 public:
  explicit Worker(const json& job) {
    json plan = json::array();
    for (const json& words : job.at("groups")) {
      groups_.push_back(known_group(words));
      plan.push_back(cases_of(groups_.back()));
    }
    reply({{"groups", plan}, {"without", without()}});
  }

  void answer(const json& request) {
    if (request.contains("prepare")) {
      prepare(request);
    } else {
      if (!prepared_) throw UsageError("a sample was asked for before a group was prepared");
      const auto which = request.at("sample").get<std::size_t>();
      const auto iterations = request.at("iterations").get<std::int64_t>();
      reply({{"ns", request.value("warm_up", false) ? prepared_->warm_up_ns(which, iterations)
                                                    : prepared_->sample_ns(which, iterations)}});
    }
  }

 private:
  // Devices that no variant of this build is for.
  static json without() {
    const std::vector<const Variant*> all = Registry::instance().variants();
    const bool has_cuda = std::any_of(all.begin(), all.end(), [](const Variant* variant) {
      return variant->device == Device::kCuda;
    });
    if (has_cuda) return json::object();
    return {{name_of(Device::kCuda), "this build has no code for it"}};
  }

  static json cases_of(const KnownGroup& known) {
    json cases = json::array();
    for (const Variant* variant : known.group.variants) {
      cases.push_back(
          {{"name", case_name(known.group, *variant)},
           {"why_skipped",
            known.refused.empty() ? why_not(*variant, known.group.problem) : known.refused},
           {"device", name_of(variant->device)}});
    }
    return cases;
  }

  void prepare(const json& request) {
    std::string no_operands;
    prepared_.reset();
    try {
      prepared_.emplace(groups_.at(request.at("prepare").get<std::size_t>()).group, gpu_);
    } catch (const std::exception& error) {
      no_operands = std::string("crashed: ") + error.what();
    }
    for (const json& which : request.at("cases")) {
      reply({{"fault", prepared_ ? prepared_->prepare(which.get<std::size_t>(),
                                                      request.at("verify").get<bool>())
                                 : no_operands}});
    }
  }

  std::vector<KnownGroup> groups_;
  std::unique_ptr<Gpu> gpu_;  // once a kernel wanted it
  std::optional<PreparedGroup> prepared_;
};

}  // namespace

int gate_worker_main() {
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // no orphans when the gate is killed
  reply({{"gate_protocol", kGateProtocol}, {"version", version_text()}});
  std::optional<Worker> worker;
  for (std::string line; std::getline(std::cin, line);) {
    try {
      const json request = json::parse(line);
      if (worker) {
        worker->answer(request);
      } else if (request.at("parent").get<pid_t>() == getppid()) {
        worker.emplace(request);
      } else {
        return kExitUsage;  // the gate died before the prctl took hold
      }
    } catch (const DeviceLost& error) {
      reply({{"lost", error.what()}});
      return kExitCrashed;  // the gate starts another
    } catch (const std::exception& error) {
      reply({{"error", error.what()}});
    }
  }
  return kExitOk;
}

}  // namespace sb
