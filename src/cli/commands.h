// One function per command; each adds its subcommand and, when it is the one, sets `chosen`.
#pragma once

#include "cli/command_line.h"

namespace sb {

void add_list_command(CLI::App& app, Action& chosen);
void add_run_command(CLI::App& app, Action& chosen);
void add_verify_command(CLI::App& app, Action& chosen);
void add_profile_command(CLI::App& app, Action& chosen);
void add_peaks_command(CLI::App& app, Action& chosen);
void add_claims_command(CLI::App& app, Action& chosen);
void add_roofline_command(CLI::App& app, Action& chosen);
void add_compare_command(CLI::App& app, Action& chosen);
void add_gate_command(CLI::App& app, Action& chosen);
void add_env_command(CLI::App& app, Action& chosen);
void add_worker_command(CLI::App& app, Action& chosen);       // hidden: --isolate starts it
void add_gate_worker_command(CLI::App& app, Action& chosen);  // hidden: gate starts it

}  // namespace sb
