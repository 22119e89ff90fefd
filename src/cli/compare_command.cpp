// compare: two runs of the same cases, a verdict per row.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/result_files.h"
#include "report/compare.h"
#include "report/whole_file.h"

namespace sb {
namespace {

struct CompareSettings {
  std::string base, head;
  std::string policy;
  std::string format = "text";
  std::string fail_on = "slower,missing";
  std::string out;
  bool across_machines = false;
};

std::string formatted(const Comparison& comparison, const std::string& format) {
  if (format == "markdown") return to_markdown(comparison);
  if (format == "json") return to_json(comparison);
  return to_text(comparison);
}

int compare_command(const CompareSettings& settings) {
  const std::vector<Verdict> fail_on = parse_fail_on(settings.fail_on);
  const CompareOptions options{policy_from(settings.policy), settings.across_machines};
  const Comparison comparison = compare(read_run(settings.base), read_run(settings.head), options);
  const std::string text = formatted(comparison, settings.format);
  if (settings.out.empty()) {
    fmt::print("{}", text);
  } else {
    write_whole_file(settings.out, text);
    fmt::print("{}\n", summary_line(comparison));
  }
  return fails(comparison, fail_on) ? kExitCheckFailed : kExitOk;
}

}  // namespace

void add_compare_command(CLI::App& app, Action& chosen) {
  auto settings = std::make_shared<CompareSettings>();
  CLI::App* command = add_command(
      app, "compare", "Compare two runs row by row: FASTER, SLOWER, SAME, AMBIGUOUS",
      {"compare results/baselines/mine/results.csv results/runs/20260101T120000Z",
       "compare base.csv new.csv --format markdown --out comment.md --fail-on slower,missing"});
  command->add_option("BASE", settings->base, "results.csv, or the folder of a run")->required();
  command->add_option("NEW", settings->head, "The run to judge")->required();
  twin(command->add_option("--policy", settings->policy,
                           "Thresholds and ignored rows (default configs/gate.yaml)"))
      ->type_name("FILE");
  twin(command->add_option("--format", settings->format, "How the verdicts are printed"))
      ->check(CLI::IsMember({"text", "markdown", "json"}))
      ->capture_default_str();
  twin(command->add_option("--fail-on", settings->fail_on,
                           "Verdicts that make the exit code 1: slower, missing, ambiguous; none"))
      ->capture_default_str();
  twin(command->add_option("--out", settings->out, "Write to this file in place of stdout"))
      ->type_name("FILE");
  twin(command->add_flag("--across-machines", settings->across_machines,
                         "Take rows of two machines too, and say so in the result"));
  command->callback(
      [settings, &chosen] { chosen = [settings] { return compare_command(*settings); }; });
}

}  // namespace sb
