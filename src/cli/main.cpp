#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "cli/environment.h"

int main(int argc, char** argv) {
  CLI::App app(
      "Benchmarks softmax, attention and their relatives: verified, interleaved, against "
      "the roof.\nExit codes: 0 ok, 1 a check failed, 2 usage or configuration, 3 wrong "
      "results, 4 a kernel crashed or timed out, 77 nothing runnable here.");
  app.require_subcommand(1);
  app.set_version_flag("--version", sb::version_text());

  sb::Action chosen;
  sb::add_list_command(app, chosen);
  sb::add_run_command(app, chosen);
  sb::add_verify_command(app, chosen);
  sb::add_profile_command(app, chosen);
  sb::add_peaks_command(app, chosen);
  sb::add_claims_command(app, chosen);
  sb::add_roofline_command(app, chosen);
  sb::add_compare_command(app, chosen);
  sb::add_gate_command(app, chosen);
  sb::add_env_command(app, chosen);
  sb::add_worker_command(app, chosen);
  sb::add_gate_worker_command(app, chosen);
  return sb::run_program(app, argc, argv, chosen);
}
