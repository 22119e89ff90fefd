// The options that choose what is measured: shared by run, verify and what builds on them.
#pragma once

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "workload/workload.h"

namespace sb {

struct Selection {
  std::vector<std::string> files;
  Overrides overrides;
};

// WORKLOAD..., --filter, --variants, --device, --threads, --set, --seed, --timeout, --quick; with
// timing also --rounds and --min-time.
void add_selection(CLI::App* command, Selection& selection, bool with_timing);

// The plan for this machine. Throws UsageError with all that is wrong in all files and options.
Plan plan_of(const Selection& selection);

Limits limits_here();

// For run.json and the worker process.
nlohmann::json to_json(const Selection& selection);
Selection selection_from(const nlohmann::json& json);

// The command that reproduces one case of the selection.
std::string repro_command(const Selection& selection, const std::string& file,
                          const std::string& case_name);

}  // namespace sb
