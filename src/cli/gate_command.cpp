// gate: two builds of the program against each other, launched in turns; the check for CI.
#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <system_error>

#include "cli/commands.h"
#include "cli/data_dir.h"
#include "cli/exit_code.h"
#include "cli/gate_launch.h"
#include "cli/interrupt.h"
#include "cli/progress.h"
#include "cli/result_files.h"
#include "cli/selection.h"
#include "machine/topology.h"
#include "report/gate_report.h"
#include "report/whole_file.h"

namespace sb {
namespace {

namespace fs = std::filesystem;

constexpr const char* kVerdictFile = "verdict.json";
constexpr const char* kJunitFile = "junit.xml";
constexpr const char* kCommentFile = "comment.md";

// Flagged rows are judged by many pairs at this confidence: with 50 rows a 95 % interval alone
// would raise an alarm in most runs.
constexpr double kConfidence = 0.95;
constexpr double kRerunConfidence = 0.999;

struct GateSettings {
  Selection selection;
  std::string base, head;
  std::string policy;
  std::string fail_on = "slower,missing";
  std::string out = "results/gate";
  int pairs = 0;           // 0: as the policy says
  double planted_pct = 0;  // for studies of the gate itself
  bool quiet = false;
};

GateEvidence evidence_of(const GateRow& row) {
  const Interval interval = row.interval(row.rerun ? kRerunConfidence : kConfidence);
  GateEvidence evidence{.name = row.name,
                        .ratio = {interval.estimate, interval.lo, interval.hi},
                        .pairs = static_cast<int>(row.log_ratios.size()),
                        .coverage = interval.coverage,
                        .base_fault = row.base_fault,
                        .head_fault = row.head_fault,
                        .rerun = row.rerun};
  if (evidence.pairs > 0) {
    evidence.base_ns = median(row.base_ns);
    evidence.head_ns = median(row.head_ns);
  }
  return evidence;
}

GatePolicy policy_of(const GateSettings& settings) {
  GatePolicy policy = policy_from(settings.policy);
  if (settings.pairs > 0) policy.launch_pairs = settings.pairs;
  if (settings.selection.overrides.rounds) policy.rounds = *settings.selection.overrides.rounds;
  return policy;
}

// Exists, can be written to, and holds no verdict of an earlier gate that could pass for this
// one's.
void clear_folder(const fs::path& dir) {
  std::error_code error;
  fs::create_directories(dir, error);
  if (error) throw UsageError(fmt::format("--out {}: {}", dir.string(), error.message()));
  for (const char* name : {kVerdictFile, kJunitFile, kCommentFile}) {
    fs::remove(dir / name, error);
    if (error) throw UsageError(fmt::format("{}: {}", (dir / name).string(), error.message()));
    write_whole_file((dir / name).string(), "");  // a full disk shows now, not after the launches
    fs::remove(dir / name, error);
  }
}

GateRun play(const GateSettings& settings, const Plan& plan, const GatePolicy& policy,
             const std::atomic<bool>& stop) {
  Progress progress(!settings.quiet);
  GateOptions options;
  options.policy = policy;
  options.planted = settings.planted_pct / 100;
  options.stop = &stop;
  options.launch = [&](Side side) {
    const bool base = side == Side::kBase;
    return launch_build({.side = base ? "base" : "head",
                         .program = base ? settings.base : settings.head,
                         .plan = plan,
                         .filter = settings.selection.overrides.filter,
                         .device = settings.selection.overrides.device,
                         .stop = &stop});
  };
  options.on_progress = [&](int pair, int pairs, const std::string& what) {
    progress.show(pair, pairs, what);
  };
  return run_gate_and_confirm(options, [&](const GateRow& row) {
    return judge_evidence(evidence_of(row), threshold_of(policy, row.name)).verdict ==
           Verdict::kSlower;
  });
}

int report_verdict(const GateSettings& settings, const GateRun& run, const GatePolicy& policy,
                   const std::vector<Verdict>& fail_on) {
  std::vector<GateEvidence> evidence;
  for (const GateRow& row : run.rows) evidence.push_back(evidence_of(row));
  Comparison comparison = gate_comparison(evidence, policy);
  comparison.base_host = comparison.head_host = machine_identity();
  const int exit_code = gate_exit_code(comparison, evidence, fail_on);
  const fs::path dir = settings.out;
  write_whole_file((dir / kJunitFile).string(), gate_junit(comparison));
  write_whole_file((dir / kCommentFile).string(), to_markdown(comparison));
  write_whole_file((dir / kVerdictFile).string(),
                   gate_verdict_json(comparison, evidence, exit_code));
  if (settings.quiet) {
    fmt::print("{}\n", summary_line(comparison));
  } else {
    fmt::print("{}", to_text(comparison));
    fmt::print("verdict: {} ({}, {} beside it)\n", (dir / kVerdictFile).string(), kJunitFile,
               kCommentFile);
  }
  return exit_code;
}

int gate_command(const GateSettings& settings) {
  const std::vector<Verdict> fail_on = parse_fail_on(settings.fail_on);
  const GatePolicy policy = policy_of(settings);
  const Plan plan = plan_of(settings.selection);
  const std::atomic<bool>& stop = catch_interrupts();
  clear_folder(settings.out);
  try {
    const GateRun run = play(settings, plan, policy, stop);
    if (!run.interrupted) return report_verdict(settings, run, policy, fail_on);
  } catch (const UsageError&) {
    if (!stop) throw;  // a launch that was stopped while it started
  }
  fmt::print(stderr, "softmax-bench: interrupted; no verdict\n");
  return kExitInterrupted;
}

}  // namespace

void add_gate_command(CLI::App& app, Action& chosen) {
  auto settings = std::make_shared<GateSettings>();
  settings->head = program_path();
  CLI::App* command = add_command(
      app, "gate", "Check a build against another one: launched in turns, a verdict per case",
      {"gate --base old/softmax-bench configs/quickstart.yaml",
       "gate --base old/softmax-bench --head new/softmax-bench configs/softmax_llm.yaml "
       "--filter softmax-attention --out gate"});
  add_selection(command, settings->selection, true);
  twin(command->add_option("--base", settings->base, "The program of the build to compare with"))
      ->required()
      ->type_name("PROGRAM");
  twin(command->add_option("--head", settings->head,
                           "The program of the build to judge (default: this one)"))
      ->type_name("PROGRAM");
  twin(command->add_option("--policy", settings->policy,
                           "Thresholds, ignored rows, numbers of launches (default "
                           "configs/gate.yaml)"))
      ->type_name("FILE");
  twin(command->add_option("--pairs", settings->pairs, "Launch pairs, in place of the policy's"))
      ->check(CLI::Range(6, 1000));
  twin(command->add_option("--fail-on", settings->fail_on,
                           "Verdicts that make the exit code 1: slower, missing, ambiguous; none"))
      ->capture_default_str();
  twin(command->add_option("--out", settings->out,
                           "Folder for verdict.json, junit.xml and comment.md"))
      ->type_name("DIR")
      ->capture_default_str();
  command
      ->add_option("--planted", settings->planted_pct,
                   "Let the head do this many per cent more calls: for studies of the gate")
      ->check(CLI::Range(0.0, 100.0))
      ->group("");
  twin(command->add_flag("--quiet", settings->quiet, "No progress, one line instead of the table"));
  command->callback(
      [settings, &chosen] { chosen = [settings] { return gate_command(*settings); }; });
}

}  // namespace sb
