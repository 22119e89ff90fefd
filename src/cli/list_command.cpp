// list: what is registered, and what can run here.
#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>

#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/listing.h"
#include "cli/peers.h"
#include "cli/plugins.h"
#include "report/column_docs.h"

namespace sb {
namespace {

using Json = nlohmann::ordered_json;

struct ListSettings {
  std::string what;
  bool json = false;
  bool markdown = false;
  std::vector<PeerSpec> peers;
  std::vector<std::string> plugins;
};

std::string joined(const Json& words) {
  std::string text;
  for (const Json& word : words) text += (text.empty() ? "" : ", ") + word.get<std::string>();
  return text;
}

std::string text(const Json& of, const char* key) { return of.at(key).get<std::string>(); }

std::size_t widest(const Json& all, const char* key) {
  std::size_t width = 0;
  for (const Json& item : all) width = std::max(width, text(item, key).size());
  return width;
}

void print_operations(const Json& all) {
  for (const Json& op : all) {
    fmt::print("{}: {}\n", text(op, "name"), text(op, "formula"));
    for (const Json& param : op["params"]) {
      const std::string preset =
          param.contains("default") ? fmt::format(" (default {})", text(param, "default")) : "";
      const std::string choices = param.contains("choices") ? ": " + joined(param["choices"]) : "";
      fmt::print("  {:<12} {}{}{}\n", text(param, "name"), text(param, "doc"), choices, preset);
    }
    fmt::print("  dtypes {}; {} variants\n", joined(op["dtypes"]), op["variants"].get<int>());
  }
}

void print_variants(const Json& all) {
  const std::size_t width = widest(all, "name");
  for (const Json& v : all) {
    const bool runs = v["runs_here"].get<bool>();
    fmt::print("{:<{}}  {:<14}  {}\n", text(v, "name"), width, joined(v["dtypes"]),
               runs ? text(v, "summary") : "cannot run here: " + text(v, "reason"));
  }
}

void print_workloads(const Json& all) {
  const std::size_t width = widest(all, "name");
  for (const Json& w : all) {
    fmt::print("{:<{}}  {}\n  {}\n", text(w, "name"), width, text(w, "file"),
               w["errors"].empty() ? text(w, "description") : "error: " + joined(w["errors"]));
  }
}

void print_devices(const Json& all) {
  for (const Json& device : all) {
    if (!device["runs_here"].get<bool>()) {
      fmt::print("{}: {} variants; {}\n", text(device, "device"), device["variants"].get<int>(),
                 text(device, "reason"));
      continue;
    }
    if (!device.contains("isa")) {
      fmt::print("{}: {} variants{}\n", text(device, "device"), device["variants"].get<int>(),
                 device.contains("name") ? "; " + text(device, "name") : "");
      continue;
    }
    fmt::print("{}: {}, {} cores, {:.1f} GiB\n", text(device, "device"), text(device, "name"),
               device["cores"].get<int>(), device["memory_bytes"].get<double>() / (1 << 30));
    for (const auto& [isa, why] : device["isa"].items()) {
      fmt::print("  {:<8} {}\n", isa, why == "" ? "yes" : why.get<std::string>());
    }
  }
}

void print_columns(const Json& all) {
  for (const Json& column : all) {
    fmt::print("{:<18} {:<13} {:<8} {}\n", text(column, "name"), text(column, "group"),
               text(column, "unit"), text(column, "doc"));
  }
}

struct Listing {
  const char* name;
  Json (*data)();
  void (*print)(const Json&);
};
constexpr Listing kListings[] = {{"ops", list_operations, print_operations},
                                 {"variants", list_variants, print_variants},
                                 {"workloads", list_workloads, print_workloads},
                                 {"devices", list_devices, print_devices},
                                 {"columns", list_columns, print_columns}};

int list_command(const ListSettings& settings) {
  if (settings.markdown) {
    if (settings.what != "columns") throw UsageError("--markdown goes with: list columns");
    fmt::print("{}", columns_markdown());
    return kExitOk;
  }
  load_plugins(settings.plugins);
  start_all_of(settings.peers);
  Json everything = Json::object();
  for (const Listing& listing : kListings) {
    const bool all = settings.what.empty() && std::string_view(listing.name) != "columns";
    if (!all && settings.what != listing.name) continue;
    const Json data = listing.data();
    if (settings.json) {
      everything[listing.name] = data;
    } else {
      if (all) fmt::print("{}{}\n", listing.name == kListings[0].name ? "" : "\n", listing.name);
      listing.print(data);
    }
  }
  if (settings.json) {
    fmt::print("{}\n", (settings.what.empty() ? everything : everything[settings.what]).dump(2));
  }
  return kExitOk;
}

}  // namespace

void add_list_command(CLI::App& app, Action& chosen) {
  auto settings = std::make_shared<ListSettings>();
  CLI::App* command =
      add_command(app, "list", "Show what is registered, and what can run here or why not",
                  {"list variants --peer torch='python3 scripts/peers/torch_peer.py'",
                   "list workloads --json"});
  command
      ->add_option("what", settings->what,
                   "ops, variants, workloads, devices or columns; all but the last if left out")
      ->check(CLI::IsMember({"ops", "variants", "workloads", "devices", "columns"}));
  command->add_flag("--json", settings->json, "As JSON");
  add_peer_option(command, settings->peers);
  add_plugin_option(command, settings->plugins);
  command->add_flag("--markdown", settings->markdown, "list columns as results/README.md has it");
  command->callback(
      [settings, &chosen] { chosen = [settings] { return list_command(*settings); }; });
}

}  // namespace sb
