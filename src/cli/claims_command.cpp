// claims: each paper claim as an executable check with a verdict.
#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>

#include "cli/claim_evidence.h"
#include "cli/claim_runs.h"
#include "cli/commands.h"
#include "cli/data_dir.h"
#include "cli/environment.h"
#include "cli/exit_code.h"
#include "cli/interrupt.h"
#include "cli/listing.h"
#include "cli/measure_plan.h"
#include "core/registry.h"
#include "machine/topology.h"
#include "report/whole_file.h"
#include "workload/claims_file.h"

namespace sb {
namespace {

namespace fs = std::filesystem;

struct ClaimsSettings {
  std::vector<std::string> files;
  std::vector<std::string> papers;
  std::vector<std::string> ids;
  std::vector<std::string> from;
  std::string out;
  std::string rows;
  std::string isolate = "none";
  std::string peaks = "auto";
  Overrides overrides;
  bool list = false;
  bool run = false;
  bool strict = false;
  bool quiet = false;
};

// --- which claims ------------------------------------------------------------------------------

std::vector<Claim> load_catalogue(const ClaimsSettings& settings) {
  std::vector<std::string> files;
  for (const std::string& file : settings.files) files.push_back(find_file(file));
  if (files.empty()) files.push_back(find_file("configs/claims"));
  try {
    return load_claims(files);
  } catch (const std::invalid_argument& error) {
    throw UsageError(error.what());
  }
}

std::string stem_of(const Claim& claim) { return fs::path(claim.file).stem().string(); }

bool is_paper(const std::string& wanted, const Claim& claim) {
  return wanted == claim.arxiv || glob_match(wanted, stem_of(claim)) ||
         glob_match(wanted, claim.paper);
}

bool is_id(const std::string& wanted, const Claim& claim) { return glob_match(wanted, claim.id); }

// Keeps the claims that one of the words names; a word that names none is an error.
void keep_named(const std::string& option, const std::vector<std::string>& words,
                bool (*names)(const std::string&, const Claim&),
                const std::vector<std::string>& known, std::vector<Claim>& claims) {
  for (const std::string& word : words) {
    const auto named = [&](const Claim& claim) { return names(word, claim); };
    if (std::any_of(claims.begin(), claims.end(), named)) continue;
    const std::string near = nearest(word, known);
    throw UsageError(fmt::format("{} \"{}\" names no claim{}", option, word,
                                 near.empty() ? "; see softmax-bench claims --list"
                                              : fmt::format("; did you mean \"{}\"?", near)));
  }
  if (words.empty()) return;
  std::erase_if(claims, [&](const Claim& claim) {
    return std::none_of(words.begin(), words.end(),
                        [&](const std::string& word) { return names(word, claim); });
  });
}

std::vector<Claim> selected_claims(const ClaimsSettings& settings) {
  std::vector<Claim> claims = load_catalogue(settings);
  std::vector<std::string> papers, ids;
  for (const Claim& claim : claims) {
    papers.insert(papers.end(), {stem_of(claim), claim.arxiv, claim.paper});
    ids.push_back(claim.id);
  }
  keep_named("--paper", settings.papers, is_paper, papers, claims);
  keep_named("--claim", settings.ids, is_id, ids, claims);
  return claims;
}

// --- where -------------------------------------------------------------------------------------

std::string why_no_variant(const std::string& op, const std::string& glob) {
  std::string why;
  for (const Variant* variant : Registry::instance().variants_of(op)) {
    if (!is_timed(variant->device) || !selects(glob, *variant)) continue;
    const std::string reason = why_not_here(*variant);
    if (reason.empty()) return "";
    why = fmt::format("{}@{}: {}", variant->name, name_of(variant->isa), reason);
  }
  if (!why.empty()) return why;
  if (Registry::instance().find_operation(op) == nullptr) {
    return fmt::format("operation {} is not in this build", op);
  }
  return fmt::format("no variant of {} is called {} in this build", op, glob);
}

bool has_cuda_variant(const std::string& op, const std::string& glob) {
  const auto variants = Registry::instance().variants_of(op);
  return std::any_of(variants.begin(), variants.end(), [&](const Variant* variant) {
    return variant->device == Device::kCuda && selects(glob, *variant);
  });
}

ClaimPlace this_place() {
  ClaimPlace place;
  place.hardware = machine_identity();
  place.why_no_cuda = why_no_cuda();
  place.last_level_bytes = static_cast<double>(topology().last_level_bytes());
  place.why_no_variant = why_no_variant;
  place.has_cuda_variant = has_cuda_variant;
  place.why_no_workload = [place](const Claim& claim) { return why_no_workload(claim, place); };
  return place;
}

// Rows of another machine tell nothing about this one's caches and roofs.
ClaimPlace place_of(const ClaimEvidence& evidence, const Peaks* peaks) {
  ClaimPlace place = this_place();
  const std::string hosts = hosts_of(evidence.rows);
  if (hosts.empty() || hosts == place.hardware) {
    place.peaks = peaks;
    return place;
  }
  place.hardware = hosts;
  place.last_level_bytes = 0;
  return place;
}

// --- measuring ---------------------------------------------------------------------------------

struct Measured {
  std::vector<std::string> files;
  int exit_code = kExitOk;
};

std::vector<Claim> testable_here(const std::vector<Claim>& claims) {
  const ClaimPlace place = this_place();
  std::vector<Claim> testable = claims;
  std::erase_if(testable, [&](const Claim& c) { return !why_not_testable(c, place).empty(); });
  return testable;
}

// The workloads are kept beside their rows, so that `run --resume` and every repro command work.
Selection write_workloads(const std::string& dir, const std::string& text,
                          const Overrides& overrides) {
  std::error_code error;
  fs::create_directories(dir, error);
  if (error) throw UsageError(fmt::format("{}: cannot be created: {}", dir, error.message()));
  const std::string file = (fs::path(dir) / "claims.yaml").string();
  if (fs::exists(fs::path(dir) / "results.csv")) {
    throw UsageError(
        fmt::format("{}: already holds a run; choose another folder with --rows, or "
                    "judge it with --from {}/results.csv",
                    dir, dir));
  }
  write_whole_file(file, text);
  return {.files = {file}, .overrides = overrides};
}

Measured measure(const ClaimsSettings& settings, const std::vector<Claim>& claims,
                 const Roofs& roofs) {
  const std::vector<Claim> testable = testable_here(claims);
  if (testable.empty()) return {.files = {}, .exit_code = kExitNothingRunnable};
  const std::string run_id = unused_run_id();
  const std::string dir = settings.rows.empty() ? kRunsDir + run_id : settings.rows;
  const Selection selection = write_workloads(dir, workloads_of(testable), settings.overrides);
  const Plan plan = plan_of(selection);
  RunOutput output = RunOutput::create({.run_id = run_id,
                                        .dir = dir,
                                        .csv = "",
                                        .run = {{"run_id", run_id},
                                                {"host", machine_identity()},
                                                {"selection", to_json(selection)},
                                                {"isolate", settings.isolate},
                                                {"peaks", settings.peaks}},
                                        .environment = environment()});
  const bool interrupted = measure_plan(plan, output,
                                        {.selection = selection,
                                         .provenance = provenance(run_id),
                                         .roofs = roofs,
                                         .isolate = settings.isolate == "case",
                                         .quiet = settings.quiet,
                                         .stop = &catch_interrupts()});
  if (interrupted) {
    fmt::print(stderr, "softmax-bench: interrupted; go on with: softmax-bench run --resume {}\n",
               dir);
  }
  return {.files = {output.csv_path()},
          .exit_code = interrupted ? kExitInterrupted : exit_code_of(output.rows())};
}

// --- telling -----------------------------------------------------------------------------------

using Report = std::string (*)(const std::vector<ClaimResult>&, const ClaimPlace&);

// Null if there is no file to write; throws before anything is measured.
Report report_for(const std::string& out) {
  if (out.empty()) return nullptr;
  const std::string extension = fs::path(out).extension().string();
  const fs::path folder = fs::absolute(out).parent_path();
  if (!fs::is_directory(folder)) {
    throw UsageError(fmt::format("{}: there is no folder {}", out, folder.string()));
  }
  if (extension == ".txt") return claims_text;
  if (extension == ".csv") return claims_csv;
  if (extension == ".md") return claims_markdown;
  if (extension == ".html") return claims_html;
  throw UsageError(fmt::format("--out {}: the name must end in .txt, .csv, .md or .html", out));
}

std::string command_text(const ClaimsSettings& settings) {
  std::string text = "softmax-bench claims";
  for (const std::string& file : settings.files) text += " " + portable_name(file);
  if (settings.run) text += " --run";
  for (const std::string& file : settings.from) text += " --from " + portable_name(file);
  if (!settings.papers.empty()) {
    text += fmt::format(" --paper '{}'", fmt::join(settings.papers, ","));
  }
  if (!settings.ids.empty()) text += fmt::format(" --claim '{}'", fmt::join(settings.ids, ","));
  if (settings.overrides.quick) text += " --quick";
  return fmt::format("{}  # {}", text, version_text());
}

int verdict_code(const ClaimsSettings& settings, const std::vector<ClaimResult>& results) {
  const bool contradicted = std::any_of(results.begin(), results.end(),
                                        [](const ClaimResult& r) { return r.contradicted; });
  return settings.strict && contradicted ? kExitCheckFailed : kExitOk;
}

int list_claims(const ClaimsSettings& settings, const std::vector<Claim>& claims) {
  const Report report = report_for(settings.out);
  const ClaimPlace place = this_place();
  if (report == nullptr || report == claims_text) {
    const std::string text = claims_list(claims, place);
    if (report == nullptr) {
      fmt::print("{}", text);
    } else {
      write_whole_file(settings.out, text);
    }
    return kExitOk;
  }
  write_whole_file(settings.out, report(judge_claims(claims, {}, place), place));
  return kExitOk;
}

int judge(const ClaimsSettings& settings, const std::vector<Claim>& claims) {
  const Report report = report_for(settings.out);
  Measured measured{.files = settings.from};
  // A roof that is missing in the cache is worth measuring only if claims are measured too.
  const Roofs roofs = obtain_roofs(settings.peaks, settings.quiet);
  if (settings.run) measured = measure(settings, claims, roofs);
  const ClaimEvidence evidence = load_evidence(measured.files);
  ClaimPlace place = place_of(evidence, roofs.get());
  place.made_by = command_text(settings);
  const std::vector<ClaimResult> results = judge_claims(claims, evidence, place);
  if (report == nullptr) {
    fmt::print("{}", claims_text(results, place));
  } else {
    write_whole_file(settings.out, report(results, place));
    if (!settings.quiet) {
      fmt::print("{}report: {}\n", claims_summary(results, place), settings.out);
    }
  }
  if (settings.run && !settings.quiet && !measured.files.empty()) {
    fmt::print("rows: {}\n", measured.files.front());
  }
  return measured.exit_code != kExitOk ? measured.exit_code : verdict_code(settings, results);
}

int claims_command(const ClaimsSettings& settings) {
  const std::vector<Claim> claims = selected_claims(settings);
  if (settings.list || (!settings.run && settings.from.empty())) {
    return list_claims(settings, claims);
  }
  return judge(settings, claims);
}

void add_choice(CLI::App* command, ClaimsSettings& s) {
  command->add_option("CLAIMS", s.files, "Claims files or folders (default: configs/claims)");
  twin(command
           ->add_option_function<std::string>(
               "--paper", [&s](const std::string& text) { s.papers = split(text, ','); },
               "Only these papers: arXiv number, file name in configs/claims, or title")
           ->type_name("ID,..."));
  twin(command
           ->add_option_function<std::string>(
               "--claim", [&s](const std::string& text) { s.ids = split(text, ','); },
               "Only claims whose id matches")
           ->type_name("GLOB,..."));
}

void add_measuring(CLI::App* command, ClaimsSettings& s) {
  twin(command->add_option("--rows", s.rows,
                           "Folder for the rows of --run (default results/runs/<UTC time>)"))
      ->type_name("DIR");
  twin(command->add_flag("--quick", s.overrides.quick,
                         "With --run: few short rounds, no operands above 16 MiB"));
  twin(command->add_option("--isolate", s.isolate, "case: run kernels in worker processes"))
      ->check(CLI::IsMember({"none", "case"}))
      ->capture_default_str();
  twin(command->add_option("--peaks", s.peaks, "Ceilings for claims of shares: auto, none, a file"))
      ->capture_default_str();
}

}  // namespace

void add_claims_command(CLI::App& app, Action& chosen) {
  auto settings = std::make_shared<ClaimsSettings>();
  CLI::App* command = add_command(
      app, "claims", "Judge what papers claim: list the claims, measure them, or judge given rows",
      {"claims --list --paper 2001.04438", "claims --run --paper online_softmax --out claims.md"});
  add_choice(command, *settings);
  CLI::Option* list = command->add_flag("--list", settings->list,
                                        "Say of each claim why it can or can't be tested "
                                        "here (the default without --run and --from)");
  CLI::Option* run =
      command->add_flag("--run", settings->run, "Measure the workloads of what can be tested here");
  command
      ->add_option("--from", settings->from,
                   "Judge these rows; samples.csv and metrics.csv beside them are read too")
      ->type_name("RESULTS.csv")
      ->excludes(run)
      ->excludes(list);
  run->excludes(list);
  command->add_option("--out", settings->out, "Write the report: .txt, .csv, .md or .html")
      ->type_name("FILE");
  command->add_flag("--strict", settings->strict,
                    "Exit with 1 if a claim is refuted, or its sign contradicted");
  add_measuring(command, *settings);
  twin(command->add_flag("--quiet", settings->quiet, "No progress, no table; only errors"));
  command->callback(
      [settings, &chosen] { chosen = [settings] { return claims_command(*settings); }; });
}

}  // namespace sb
