// verify: correctness and the size of the error, no timing.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <filesystem>

#include "cli/commands.h"
#include "cli/environment.h"
#include "cli/exit_code.h"
#include "cli/interrupt.h"
#include "cli/measure_plan.h"
#include "cli/verify_peer.h"
#include "report/table.h"

namespace sb {
namespace {

struct VerifySettings {
  Selection selection;
  std::string csv;
  std::string dump;
  std::string isolate = "none";
  bool quiet = false;
};

// The answer does not depend on what the caches held.
Selection without_cache_states(Selection selection) {
  selection.overrides.set.emplace("cache", std::vector<std::string>{"warm"});
  return selection;
}

void make_dump_dir(const std::string& dir) {
  std::error_code error;
  std::filesystem::create_directories(dir, error);
  if (error) throw UsageError(fmt::format("{}: cannot be created: {}", dir, error.message()));
}

int verify_command(const VerifySettings& settings) {
  if (settings.selection.files.empty() && !settings.selection.peers.empty()) {
    return verify_peer(settings.selection);
  }
  const Selection selection = without_cache_states(settings.selection);
  const Plan plan = plan_of(selection);
  if (!settings.dump.empty()) make_dump_dir(settings.dump);
  RunOutput output = RunOutput::create({.csv = settings.csv});
  const bool interrupted = measure_plan(plan, output,
                                        {.selection = selection,
                                         .provenance = provenance("verify"),
                                         .roofs = {},
                                         .isolate = settings.isolate == "case",
                                         .verify_only = true,
                                         .quiet = settings.quiet,
                                         .dump_dir = settings.dump,
                                         .stop = &catch_interrupts()});
  if (!settings.quiet) {
    fmt::print(settings.csv == "-" ? stderr : stdout, "{}", verification_table(output.rows()));
  }
  return interrupted ? kExitInterrupted : exit_code_of(output.rows());
}

}  // namespace

void add_verify_command(CLI::App& app, Action& chosen) {
  auto settings = std::make_shared<VerifySettings>();
  CLI::App* command =
      add_command(app, "verify", "Check every case against the double-precision reference",
                  {"verify configs/softmax_llm.yaml --filter 'cols=32768' --dump /tmp/tensors",
                   "verify --peer 'python3 my_peer.py'"});
  add_selection(command, settings->selection, false);
  twin(
      command->add_option("--dump", settings->dump,
                          "Write a folder per case with a .npy file per tensor, the reference too"))
      ->type_name("DIR");
  twin(command->add_option("--csv", settings->csv, "Write the rows to this file, or - for stdout"))
      ->type_name("FILE");
  twin(command->add_option("--isolate", settings->isolate, "case: run kernels in worker processes"))
      ->check(CLI::IsMember({"none", "case"}))
      ->capture_default_str();
  twin(command->add_flag("--quiet", settings->quiet, "No progress, no table; only errors"));
  command->callback(
      [settings, &chosen] { chosen = [settings] { return verify_command(*settings); }; });
}

}  // namespace sb
