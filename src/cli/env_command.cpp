// env: provenance as JSON.
#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/environment.h"

namespace sb {

void add_env_command(CLI::App& app, Action& chosen) {
  CLI::App* command =
      add_command(app, "env", "Machine, compiler, settings as JSON", {"env", "env > before.json"});
  command->callback([&chosen] {
    chosen = [] {
      fmt::print("{}\n", environment().dump(2));
      return 0;
    };
  });
}

}  // namespace sb
