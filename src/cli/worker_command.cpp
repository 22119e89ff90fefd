// The processes in which `run --isolate case` and `gate` run kernels. Not for people.
#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "cli/gate_protocol.h"
#include "cli/isolate.h"

namespace sb {

namespace {

void add_hidden(CLI::App& app, const char* name, const char* what, Action& chosen, int (*main)()) {
  CLI::App* command = app.add_subcommand(name, what);
  command->group("");  // hidden
  command->callback([&chosen, main] { chosen = main; });
}

}  // namespace

void add_worker_command(CLI::App& app, Action& chosen) {
  add_hidden(app, "worker", "Runs one group for --isolate", chosen, worker_main);
}

void add_gate_worker_command(CLI::App& app, Action& chosen) {
  add_hidden(app, kGateWorker, "Samples what `gate` asks for", chosen, gate_worker_main);
}

}  // namespace sb
