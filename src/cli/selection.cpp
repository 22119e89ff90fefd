#include "cli/selection.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "cli/command_line.h"
#include "cli/data_dir.h"
#include "cli/exit_code.h"
#include "cli/listing.h"
#include "cli/peers.h"
#include "cli/plugins.h"
#include "core/isa.h"
#include "core/row.h"
#include "machine/topology.h"

namespace sb {
namespace {

void add_set(Overrides& overrides, const std::string& text) {
  for (const std::string& part : split(text, ';')) {
    const std::size_t equals = part.find('=');
    const std::vector<std::string> values = equals == std::string::npos
                                                ? std::vector<std::string>{}
                                                : split(part.substr(equals + 1), ',');
    if (equals == 0 || values.empty()) {
      throw UsageError(fmt::format("--set \"{}\" is not key=value or key=value,value", part));
    }
    overrides.set[part.substr(0, equals)] = values;
  }
}

template <typename T>
CLI::Option* add_optional(CLI::App* command, const std::string& name, std::optional<T>& value,
                          const std::string& what) {
  return twin(command->add_option_function<T>(
      name, [&value](const T& given) { value = given; }, what));
}

std::string regex_escaped(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (std::string_view(R"(\^$.|?*+()[]{})").find(c) != std::string_view::npos) escaped += '\\';
    escaped += c;
  }
  return escaped;
}

}  // namespace

std::string shell_quoted(const std::string& text) {
  const bool plain = std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("_-./:=,").find(static_cast<char>(c)) != std::string_view::npos;
  });
  if (plain && !text.empty()) return text;
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

void add_selection(CLI::App* command, Selection& selection, bool with_timing) {
  Overrides& o = selection.overrides;
  command->add_option("WORKLOAD", selection.files, "Workload files (YAML)");
  twin(
      command
          ->add_option("--filter", o.filter,
                       "Only cases whose full name (see --dry-run) matches this regular expression")
          ->type_name("REGEX"));
  twin(command
           ->add_option_function<std::string>(
               "--variants", [&o](const std::string& text) { o.variants = split(text, ','); },
               "Only variants that match, in place of the workload's")
           ->type_name("GLOB,..."));
  twin(command
           ->add_option("--device", o.device,
                        "cpu, cuda, simt or ptx (CUDA kernels without a GPU; verify only), or all")
           ->capture_default_str());
  twin(command
           ->add_option_function<std::string>(
               "--threads", [&o](const std::string& text) { o.threads = split(text, ','); },
               "Thread counts in place of the workload's; `all` is every core")
           ->type_name("N,..."));
  twin(command
           ->add_option_function<std::vector<std::string>>(
               "--set",
               [&o](const std::vector<std::string>& texts) {
                 for (const std::string& text : texts) add_set(o, text);
               },
               "Replaces an axis of the sweep, or dtype, cache or fill; may be repeated")
           ->type_name("KEY=V1,V2")
           ->allow_extra_args(false));
  add_peer_option(command, selection.peers);
  add_plugin_option(command, selection.plugins);
  add_optional(command, "--seed", o.seed, "Seed of the inputs");
  add_optional(command, "--timeout", o.timeout_s, "Longest time of a case, in seconds")
      ->check(CLI::PositiveNumber);
  twin(command->add_flag("--quick", o.quick,
                         "A smoke-sized run: few short rounds, no operands above 16 MiB"));
  if (!with_timing) return;
  add_optional(command, "--rounds", o.rounds, "Interleaved rounds: samples of each case")
      ->check(CLI::Range(1, 10000));
  add_optional(command, "--min-time", o.min_time_s, "Least time of one sample, in seconds")
      ->check(CLI::PositiveNumber);
}

Limits limits_here() {
  return {.threads = topology().cores,
          .memory_bytes = static_cast<double>(topology().memory_bytes)};
}

namespace {

// A device that was asked for by name and is not there is no reason to skip quietly.
void demand_device(const std::string& name) {
  if (name != name_of(Device::kCuda)) return;
  const std::string why = why_no_cuda();
  if (why.empty()) return;
  throw UsageError("--device cuda: " + why +
                   "; leave --device out to run what can run here, or verify the CUDA kernels on "
                   "fibers with verify --device simt");
}

}  // namespace

Plan plan_of(const Selection& selection) {
  if (selection.files.empty()) {
    throw UsageError(
        "no workload given; e.g. configs/quickstart.yaml (see softmax-bench list workloads)");
  }
  std::vector<std::string> files;
  for (const std::string& file : selection.files) files.push_back(find_file(file));
  load_plugins(selection.plugins);
  start_peers(selection, files);
  Plan plan = plan_workloads(files, selection.overrides, limits_here());
  if (!plan.errors.empty()) throw UsageError(plan.errors);
  demand_device(selection.overrides.device);
  return plan;
}

nlohmann::json to_json(const Selection& selection) {
  const Overrides& o = selection.overrides;
  nlohmann::json json;
  for (const std::string& file : selection.files) {
    json["workloads"].push_back(std::filesystem::absolute(find_file(file)).string());
  }
  json["set"] = o.set;
  json["variants"] = o.variants;
  json["threads"] = o.threads;
  json["device"] = o.device;
  json["filter"] = o.filter;
  json["quick"] = o.quick;
  json["peers"] = to_json(selection.peers);
  json["plugins"] = selection.plugins;
  if (o.seed) json["seed"] = *o.seed;
  if (o.rounds) json["rounds"] = *o.rounds;
  if (o.min_time_s) json["min_time_s"] = *o.min_time_s;
  if (o.timeout_s) json["timeout_s"] = *o.timeout_s;
  return json;
}

Selection selection_from(const nlohmann::json& job) {
  Selection selection;
  Overrides& o = selection.overrides;
  job.at("workloads").get_to(selection.files);
  job.at("set").get_to(o.set);
  job.at("variants").get_to(o.variants);
  job.at("threads").get_to(o.threads);
  job.at("device").get_to(o.device);
  job.at("filter").get_to(o.filter);
  job.at("quick").get_to(o.quick);
  selection.peers = peers_from(job.at("peers"));
  job.at("plugins").get_to(selection.plugins);
  if (job.contains("seed")) o.seed = job["seed"].get<std::uint64_t>();
  if (job.contains("rounds")) o.rounds = job["rounds"].get<int>();
  if (job.contains("min_time_s")) o.min_time_s = job["min_time_s"].get<double>();
  if (job.contains("timeout_s")) o.timeout_s = job["timeout_s"].get<double>();
  return selection;
}

std::string repro_command(const Selection& selection, const std::string& file,
                          const std::string& case_name) {
  const Overrides& o = selection.overrides;
  Device device = Device::kCpu;  // a case's name does not tell fibers from a GPU
  const bool verified_only = parse_device(o.device, device) && !is_timed(device);
  std::string command = verified_only ? fmt::format("softmax-bench verify --device {} ", o.device)
                                      : "softmax-bench run ";
  command += shell_quoted(portable_name(file));
  for (const auto& [key, values] : o.set) {
    command += " --set " + shell_quoted(fmt::format("{}={}", key, fmt::join(values, ",")));
  }
  if (!o.variants.empty()) {
    command += " --variants " + shell_quoted(fmt::format("{}", fmt::join(o.variants, ",")));
  }
  for (const PeerSpec& peer : selection.peers) {
    command += " --peer " + shell_quoted(option_text(peer));
  }
  for (const std::string& plugin : selection.plugins) {
    command += " --plugin " + shell_quoted(std::filesystem::absolute(plugin).string());
  }
  if (!o.threads.empty()) command += fmt::format(" --threads {}", fmt::join(o.threads, ","));
  if (o.seed) command += fmt::format(" --seed {}", *o.seed);
  if (o.rounds) command += fmt::format(" --rounds {}", *o.rounds);
  if (o.min_time_s) command += fmt::format(" --min-time {:g}", *o.min_time_s);
  if (o.timeout_s) command += fmt::format(" --timeout {:g}", *o.timeout_s);
  if (o.quick) command += " --quick";
  return command + " --filter " + shell_quoted("^" + regex_escaped(case_name) + "$");
}

}  // namespace sb
