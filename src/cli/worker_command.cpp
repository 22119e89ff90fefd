// worker: the process that `--isolate case` runs kernels in. Not for people.
#include "cli/commands.h"
#include "cli/isolate.h"

namespace sb {

void add_worker_command(CLI::App& app, Action& chosen) {
  CLI::App* command = app.add_subcommand("worker", "Runs one group for --isolate");
  command->group("");  // hidden
  command->callback([&chosen] { chosen = worker_main; });
}

}  // namespace sb
