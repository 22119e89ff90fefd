// run: verify, measure, write results.csv.
#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <optional>
#include <system_error>

#include "cli/commands.h"
#include "cli/environment.h"
#include "cli/exit_code.h"
#include "cli/interrupt.h"
#include "cli/measure_plan.h"
#include "cli/roofs.h"
#include "cli/run_output.h"
#include "cli/selection.h"
#include "machine/topology.h"
#include "machine/turns.h"
#include "report/table.h"

namespace sb {
namespace {

struct RunSettings {
  Selection selection;
  std::string out;
  std::string csv;
  std::string resume;
  std::string isolate = "none";
  std::string peaks = "auto";
  double spread_s = RunOptions().spread_s;
  std::string turns;
  bool probe = false;
  bool dry_run = false;
  bool quiet = false;
};

// Takes from the earlier run what the command line leaves out: its workloads with their options.
std::string take_up(RunSettings& settings) {
  const nlohmann::json earlier = read_run_json(settings.resume);
  try {
    if (earlier.at("host").get<std::string>() != machine_identity()) {
      throw UsageError(
          fmt::format("{}: was measured on another machine ({}); rows of two machines "
                      "do not make one run",
                      settings.resume, earlier.at("host").get<std::string>()));
    }
    if (settings.selection.files.empty()) {
      settings.selection = selection_from(earlier.at("selection"));
      settings.isolate = earlier.at("isolate");
      settings.peaks = earlier.at("peaks");
      settings.spread_s = earlier.value("spread", settings.spread_s);
      settings.probe = earlier.value("probe", settings.probe);
    }
    settings.out = settings.resume;
    return earlier.at("run_id");
  } catch (const nlohmann::json::exception&) {
    throw UsageError(fmt::format("{}/run.json: not of this program's making; start the run again",
                                 settings.resume));
  }
}

std::optional<Turns> take_turn(const std::string& file) {
  if (file.empty()) return std::nullopt;
  try {
    return std::optional<Turns>(std::in_place, file);
  } catch (const std::system_error& error) {
    throw UsageError(fmt::format("--turns {}; name a file that can be written", error.what()));
  }
}

int print_plan(const Plan& plan) {
  std::size_t cases = 0;
  for (const PlannedGroup& planned : plan.groups) {
    for (const Variant* variant : planned.group.variants) {
      const std::string why = why_skipped(planned, *variant);
      fmt::print("{}{}\n", case_name(planned.group, *variant),
                 why.empty() ? "" : "  (skipped: " + why + ")");
      ++cases;
    }
  }
  fmt::print("{} cases in {} groups\n", cases, plan.groups.size());
  return kExitOk;
}

RunOutput open_output(const RunSettings& settings, const std::string& run_id, const Plan& plan) {
  const OutputOptions options{.run_id = run_id,
                              .dir = settings.out,
                              .csv = settings.csv,
                              .run = {{"run_id", run_id},
                                      {"host", machine_identity()},
                                      {"selection", to_json(settings.selection)},
                                      {"isolate", settings.isolate},
                                      {"peaks", settings.peaks},
                                      {"spread", settings.spread_s},
                                      {"probe", settings.probe}},
                              .environment = environment()};
  return settings.resume.empty() ? RunOutput::create(options)
                                 : RunOutput::resume(options, plan.groups);
}

void print_results(const RunSettings& settings, const RunOutput& output) {
  if (settings.quiet) return;
  // With --csv - the rows have stdout for themselves.
  std::FILE* stream = settings.csv == "-" ? stderr : stdout;
  fmt::print(stream, "{}", results_table(output.rows(), output.metrics()));
  if (!output.csv_path().empty()) fmt::print(stream, "rows: {}\n", output.csv_path());
}

int run_command(RunSettings settings) {
  std::string run_id = unused_run_id();
  if (!settings.resume.empty()) run_id = take_up(settings);
  if (settings.probe && settings.peaks == "none") {
    throw UsageError("--probe runs the ceilings again beside the rows: it needs --peaks");
  }
  const Plan plan = plan_of(settings.selection);
  if (settings.dry_run) return print_plan(plan);
  if (settings.out.empty() && settings.csv.empty()) settings.out = std::string(kRunsDir) + run_id;

  const std::optional<Turns> turns = take_turn(settings.turns);
  RunOutput output = open_output(settings, run_id, plan);
  const std::atomic<bool>& stop = catch_interrupts();
  const Roofs roofs = obtain_roofs(settings.peaks, settings.quiet);
  const bool interrupted = measure_plan(plan, output,
                                        {.selection = settings.selection,
                                         .provenance = provenance(run_id),
                                         .roofs = roofs,
                                         .isolate = settings.isolate == "case",
                                         .spread_s = settings.spread_s,
                                         .probe = settings.probe,
                                         .quiet = settings.quiet,
                                         .stop = &stop,
                                         .between_rounds = [&] {
                                           if (turns) turns->pass();
                                         }});
  print_results(settings, output);
  if (!interrupted) return exit_code_of(output.rows());
  const std::string cure =
      settings.out.empty()
          ? ""
          : fmt::format("; go on with: softmax-bench run --resume {}", settings.out);
  fmt::print(stderr, "softmax-bench: interrupted{}\n", cure);
  return kExitInterrupted;
}

}  // namespace

void add_run_command(CLI::App& app, Action& chosen) {
  auto settings = std::make_shared<RunSettings>();
  CLI::App* command = add_command(app, "run", "Verify and measure workloads, write results.csv",
                                  {"run configs/quickstart.yaml",
                                   "run configs/softmax_llm.yaml --variants 'two_pass*' --set "
                                   "cols=32768,128256 --csv -"});
  add_selection(command, settings->selection, true);
  twin(command->add_option("--out", settings->out,
                           "Folder for results.csv, samples.csv, metrics.csv, env.json (default "
                           "results/runs/<UTC time>, or none with --csv)"))
      ->type_name("DIR");
  twin(command->add_option("--csv", settings->csv,
                           "Also write the rows to this file, or - for stdout"))
      ->type_name("FILE");
  twin(command->add_option("--resume", settings->resume,
                           "Go on with the run in this folder, with its workloads and options"))
      ->type_name("DIR");
  twin(command->add_option("--isolate", settings->isolate,
                           "case: run kernels in worker processes, so that one that dies or hangs "
                           "costs its own row"))
      ->check(CLI::IsMember({"none", "case"}))
      ->capture_default_str();
  twin(command->add_option("--spread", settings->spread_s,
                           "Measure small groups together, their rounds in turns, for up to this "
                           "long; their rows are written at the end of it. 0: each group alone"))
      ->type_name("SECONDS")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
  twin(command->add_option("--turns", settings->turns,
                           "Take turns, round by round, with other runs on this machine that name "
                           "the same file: one measures, the others wait"))
      ->type_name("FILE");
  twin(command->add_option("--peaks", settings->peaks,
                           "Ceilings for % of roof: auto (measured once per machine), none, a "
                           "file of `softmax-bench peaks`, or a declared machine "
                           "(configs/machines/*.yaml)"))
      ->capture_default_str();
  twin(command->add_flag("--probe", settings->probe,
                         "Run the loop of each row's ceiling in the same rounds: pct_probe in "
                         "metrics.csv is the share of what the machine gave at that moment"));
  twin(command->add_flag("--dry-run", settings->dry_run, "Print the cases and run nothing"));
  twin(command->add_flag("--quiet", settings->quiet,
                         "No progress, no table; only files and errors"));
  command->callback(
      [settings, &chosen] { chosen = [settings] { return run_command(*settings); }; });
}

}  // namespace sb
