// The options that choose what is measured: shared by run, verify and what builds on them.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "cli/command_line.h"
#include "workload/workload.h"

namespace sb {

struct Selection {
  std::vector<std::string> files;
  Overrides overrides;
  std::vector<PeerSpec> peers;       // of --peer
  std::vector<std::string> plugins;  // files
};

// WORKLOAD..., --filter, --variants, --device, --threads, --set, --seed, --timeout, --quick,
// --peer and --plugin; with timing also --rounds and --min-time.
void add_selection(CLI::App* command, Selection& selection, bool with_timing);

// The plan for this machine, after loading the plugins and starting the external peers that
// files and options name. Throws
// UsageError with all that is wrong in all files and options.
Plan plan_of(const Selection& selection);

Limits limits_here();

std::string shell_quoted(const std::string& text);

// For run.json and the worker process.
nlohmann::json to_json(const Selection& selection);
Selection selection_from(const nlohmann::json& job);

// The command that reproduces one case of the selection.
std::string repro_command(const Selection& selection, const std::string& file,
                          const std::string& case_name);

}  // namespace sb
