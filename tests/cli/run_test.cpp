// The program as its users and their scripts meet it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <nlohmann/json.hpp>
#include <random>
#include <regex>
#include <set>
#include <thread>

#include "program.h"
#include "report/csv.h"
#include "report/csv_text.h"

namespace sb {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

std::string workload(const std::string& variants, const std::string& more = "") {
  return "name: w\nop: twice\nsweep: {n: [4, 8]}\nvariants: [" + variants +
         "]\nrounds: 6\nmin_time: 0.0001\n" + more;
}

std::vector<Row> rows_of(const Workspace& space, const std::string& csv) {
  return read_csv(space.path(csv)).rows;
}

std::set<std::string> identities(const std::vector<Row>& rows) {
  std::set<std::string> all;
  for (const Row& row : rows) all.insert(identity_of(row));
  return all;
}

bool eventually(const std::function<bool()>& condition) {
  for (int i = 0; i < 3000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

// --- exit codes, as a truth table ----------------------------------------------------------------

struct Case {
  const char* what;
  std::string variants;
  std::vector<std::string> options;
  int exit_code;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.what; }

class ExitCode : public ::testing::TestWithParam<Case> {};

TEST_P(ExitCode, SaysHowTheRunWent) {
  const Workspace space;
  space.write("w.yaml", workload(GetParam().variants, "timeout: 0.3\n"));
  std::vector<std::string> arguments = {"run", "w.yaml", "--out", "o"};
  arguments.insert(arguments.end(), GetParam().options.begin(), GetParam().options.end());
  const Finished finished = space.run(arguments);
  EXPECT_EQ(finished.exit_code, GetParam().exit_code) << finished.err;
}

const std::vector<Case>& cases() {
  static const std::vector<std::string> isolated = {"--isolate", "case"};
  static const std::vector<Case> all = {
      {"AllRight", "right", {}, 0},
      {"SomeSkipped", "right, refuses", {}, 0},
      {"AllSkipped", "refuses", {}, 77},
      {"NoSuchDevice", "right", {"--device", "cuda"}, 2},
      {"TooManyThreads", "right", {"--threads", "4000"}, 77},
      {"Wrong", "right, wrong", {}, 3},
      {"Throws", "right, throws", {}, 4},
      {"Unmakeable", "unmakeable", {}, 4},
      {"WrongIsGraverThanCrashed", "wrong, throws", {}, 3},
      {"IsolatedRight", "right", isolated, 0},
      {"IsolatedSkipped", "refuses", isolated, 77},
      {"IsolatedWrong", "wrong", isolated, 3},
      {"Aborts", "right, aborts", isolated, 4},
      {"Segfaults", "segfaults", isolated, 4},
      {"ExitsWithSuccess", "exits", isolated, 4},
      {"Hangs", "hangs", isolated, 4},
      {"UnknownVariantOption", "right", {"--variants", "left"}, 2},
      {"UnknownOption", "right", {"--bogus"}, 2},
      {"UnknownFile", "right", {"nothere.yaml"}, 2},
      {"BadRounds", "right", {"--rounds", "0"}, 2},
      {"BadSeed", "right", {"--seed", "x"}, 2},
      {"BadSet", "right", {"--set", "n"}, 2},
      {"BadTimeout", "right", {"--timeout", "-1"}, 2},
      {"BadIsolate", "right", {"--isolate", "all"}, 2},
      {"BadFilter", "right", {"--filter", "("}, 2},
      {"EmptyFilter", "right", {"--filter", "nosuch"}, 2},
      {"MissingPeaks", "right", {"--peaks", "nothere.json"}, 2},
      {"FullDisk", "right", {"--csv", "/dev/full"}, 2},
      {"DryRun", "right", {"--dry-run"}, 0},
  };
  return all;
}

// The program of these tests has no CUDA variants.
TEST(Run, RefusesADeviceThatIsAskedForByNameAndAbsentAndSaysWhatToDo) {
  const Workspace space;
  space.write("w.yaml", workload("right"));
  const Finished finished = space.run({"run", "w.yaml", "--device", "cuda"});
  EXPECT_THAT(finished.err, HasSubstr("--device cuda: "));
  EXPECT_THAT(finished.err, HasSubstr("verify --device simt"));
}

INSTANTIATE_TEST_SUITE_P(Every, ExitCode, ::testing::ValuesIn(cases()),
                         [](const auto& c) { return std::string(c.param.what); });

TEST(ExitCodes, OfTheCommandLineItself) {
  const Workspace space;
  EXPECT_EQ(space.run({"--help"}).exit_code, 0);
  EXPECT_EQ(space.run({"--version"}).exit_code, 0);
  EXPECT_EQ(space.run({}).exit_code, 2);
  EXPECT_EQ(space.run({"run"}).exit_code, 2);
  const Finished typo = space.run({"rum"});
  EXPECT_EQ(typo.exit_code, 2);
  EXPECT_THAT(typo.err, HasSubstr("unknown command \"rum\"; did you mean \"run\"?"));
  EXPECT_THAT(space.run({"run", "--fliter", "x"}).err, HasSubstr("did you mean \"--filter\"?"));
}

// --- what a run leaves
// -----------------------------------------------------------------------------

TEST(Run, WritesARowPerCaseWithItsSamplesAndItsOrigin) {
  const Workspace space;
  space.write("w.yaml", workload("right, also_right, refuses", "baseline: right\n"));
  const Finished run = space.run({"run", "w.yaml", "--out", "o"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const std::vector<Row> rows = rows_of(space, "o/results.csv");
  ASSERT_THAT(rows, SizeIs(6));
  for (const Row& row : rows) {
    EXPECT_EQ(row.workload, "w");
    EXPECT_THAT(row.repro, HasSubstr("--filter"));
    if (row.variant == "refuses") {
      EXPECT_EQ(row.status, "skipped");
      EXPECT_EQ(row.reason, "not in the mood");
      EXPECT_FALSE(row.time_median_ns);
      continue;
    }
    EXPECT_EQ(row.verify, "pass");
    EXPECT_EQ(row.baseline, "right@scalar");
    EXPECT_GT(row.time_median_ns.value_or(0), 0);
    EXPECT_LE(row.time_lo_ns, row.time_median_ns);
    EXPECT_GE(row.time_hi_ns, row.time_median_ns);
  }
  const std::vector<CsvRecord> samples = parse_csv(space.read("o/samples.csv"));
  EXPECT_EQ(samples.size(), 1 + 4 * 6);  // header; timed rows times rounds
  EXPECT_EQ(nlohmann::json::parse(space.read("o/env.json"))["schema_version"], kSchemaVersion);
  EXPECT_THAT(run.out, AllOf(HasSubstr("also_right@scalar"), HasSubstr("o/results.csv")));
}

TEST(Run, ReproducesARowWithTheCommandInIt) {
  const Workspace space;
  space.write("w.yaml", workload("right, also_right"));
  ASSERT_EQ(space.run({"run", "w.yaml", "--out", "o", "--seed", "5", "--set", "n=16"}).exit_code,
            0);
  const Row row = rows_of(space, "o/results.csv").at(0);
  const std::string command =
      std::regex_replace(row.repro, std::regex("^softmax-bench"), SB_FAKE_PROGRAM);
  space.write("again.sh", command + " --out again\n");
  EXPECT_EQ(std::system(("cd " + space.path(".").string() +
                         " && SOFTMAX_BENCH_PEAKS=none sh again.sh > log 2>&1")
                            .c_str()),
            0)
      << command << "\n"
      << space.read("log");
  const std::vector<Row> again = rows_of(space, "again/results.csv");
  ASSERT_THAT(again, SizeIs(1));
  EXPECT_EQ(identity_of(again[0]), identity_of(row));
}

TEST(Run, NamesItsFolderByTheTimeUnlessTold) {
  const Workspace space;
  space.write("w.yaml", workload("right"));
  ASSERT_EQ(space.run({"run", "w.yaml"}).exit_code, 0);
  ASSERT_EQ(space.run({"run", "w.yaml"}).exit_code, 0);
  std::set<std::string> runs;
  for (const auto& entry : std::filesystem::directory_iterator(space.path("results/runs"))) {
    EXPECT_TRUE(
        std::regex_match(entry.path().filename().string(), std::regex(R"(\d{8}T\d{6}Z(-\d+)?)")));
    runs.insert(rows_of(space, entry.path() / "results.csv").at(0).run_id);
  }
  EXPECT_THAT(runs, SizeIs(2));
}

TEST(Run, SendsOnlyCsvToStdoutWhenAsked) {
  const Workspace space;
  space.write("w.yaml", workload("right"));
  const Finished run = space.run({"run", "w.yaml", "--csv", "-"});
  EXPECT_EQ(parse_rows(run.out, "stdout").rows.size(), 2u);
  EXPECT_FALSE(std::filesystem::exists(space.path("results")));
}

TEST(Run, SaysNothingWhenQuiet) {
  const Workspace space;
  space.write("w.yaml", workload("right"));
  const Finished run = space.run({"run", "w.yaml", "--quiet", "--out", "o"});
  EXPECT_EQ(run.out, "");
  EXPECT_EQ(run.err, "");
}

TEST(Run, PrintsItsPlanAndRunsNothing) {
  const Workspace space;
  space.write("w.yaml", workload("right, refuses"));
  const Finished plan = space.run({"run", "w.yaml", "--dry-run"});
  EXPECT_THAT(plan.out, HasSubstr("w/twice/right@scalar/f32/n=4/t1/warm\n"));
  EXPECT_THAT(plan.out, HasSubstr("(skipped: not in the mood)"));
  EXPECT_THAT(plan.out, HasSubstr("4 cases in 2 groups"));
  EXPECT_FALSE(std::filesystem::exists(space.path("results")));
}

TEST(Run, KeepsAnEarlierRun) {
  const Workspace space;
  space.write("w.yaml", workload("right"));
  ASSERT_EQ(space.run({"run", "w.yaml", "--out", "o"}).exit_code, 0);
  const std::string before = space.read("o/results.csv");
  const Finished again = space.run({"run", "w.yaml", "--out", "o"});
  EXPECT_EQ(again.exit_code, 2);
  EXPECT_THAT(again.err, HasSubstr("--resume o"));
  EXPECT_EQ(space.read("o/results.csv"), before);
}

// --- bad surroundings
// -----------------------------------------------------------------------------

TEST(BadInput, IsReportedForAllFilesAndOptionsBeforeAnythingRuns) {
  const Workspace space;
  space.write("a.yaml", "name: a\nop: twce\nsweep: {n: [4]}\n");
  space.write("b.yaml", "name: b\nop: twice\nsweep: {n: [0]}\n");
  const Finished run = space.run({"run", "a.yaml", "b.yaml", "--out", "o"});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, HasSubstr("a.yaml:2:5: unknown op \"twce\"; did you mean \"twice\"?"));
  EXPECT_THAT(run.err, HasSubstr("b.yaml:3:13: n = 0 is outside"));
  EXPECT_FALSE(std::filesystem::exists(space.path("o")));
}

TEST(BadInput, OfAnyBytesGivesExitCodeTwo) {
  const Workspace space;
  std::mt19937 random(5);
  for (int trial = 0; trial < 40; ++trial) {
    std::string bytes(random() % 300, '\0');
    for (char& c : bytes)
      c = static_cast<char>(trial % 2 == 0 ? random() % 256 : 32 + random() % 95);
    space.write("garbage.yaml", bytes);
    const Finished run = space.run({"run", "garbage.yaml", "--out", "o"});
    EXPECT_EQ(run.exit_code, 2) << bytes;
    EXPECT_THAT(run.err, HasSubstr("garbage.yaml"));
  }
}

TEST(BadOutput, IsFoundBeforeTheFirstMeasurement) {
  const Workspace space;
  space.write("w.yaml", workload("hangs"));  // would show if anything were measured
  space.write("file", "");
  for (const char* out : {"/proc/nowhere", "/dev/null/run", "file/run"}) {
    const Finished run = space.run({"run", "w.yaml", "--out", out});
    EXPECT_EQ(run.exit_code, 2);
    EXPECT_THAT(run.err, HasSubstr(out));
  }
  EXPECT_EQ(space.run({"run", "w.yaml", "--csv", "/dev/full"}).exit_code, 2);
  EXPECT_EQ(space.run({"run", "w.yaml", "--csv", "nosuchdir/x.csv"}).exit_code, 2);
  EXPECT_THAT(space.read("stderr"), HasSubstr("No such file"));
}

TEST(BadOutput, OnStdoutIsNoSuccess) {
  const Workspace space;
  space.write("w.yaml", workload("right"));
  const std::string here = "cd " + space.path(".").string() + " && SOFTMAX_BENCH_PEAKS=none ";
  for (const char* arguments : {"list", "env", "run w.yaml --out o", "run w.yaml --csv -"}) {
    const int status =
        std::system((here + SB_FAKE_PROGRAM + " " + arguments + " > /dev/full 2> err").c_str());
    EXPECT_EQ(WEXITSTATUS(status), 2) << arguments;
    EXPECT_THAT(space.read("err"), HasSubstr("No space left")) << arguments;
  }
}

// A limit on the size of files stands for a disk that fills up.
TEST(BadOutput, ThatFillsUpDuringTheRunIsAnErrorAndCostsNoCompleteRow) {
  const Workspace space;
  space.write("w.yaml",
              "name: w\nop: twice\nsweep: {n: {from: 2, to: 80, step: 2}}\nvariants: [right]\n"
              "rounds: 1\nmin_time: 0.0001\n");
  const std::string here = "cd " + space.path(".").string() + " && SOFTMAX_BENCH_PEAKS=none ";
  const int status =
      std::system((here + "sh -c 'trap \"\" XFSZ; ulimit -f 16; exec " SB_FAKE_PROGRAM
                          " run w.yaml --out o' 2> err")
                      .c_str());
  EXPECT_EQ(WEXITSTATUS(status), 2);
  EXPECT_THAT(space.read("err"), AllOf(HasSubstr("results.csv"), HasSubstr("File too large")));
  const std::size_t kept = read_csv(space.path("o/results.csv"), TruncatedTail::kDrop).rows.size();
  EXPECT_GT(kept, 2u);
  EXPECT_LT(kept, 40u);
  EXPECT_EQ(space.run({"run", "--resume", "o"}).exit_code, 0);
  EXPECT_THAT(rows_of(space, "o/results.csv"), SizeIs(40));
}

// --- stopping and going on
// ------------------------------------------------------------------------

class Stopped : public ::testing::TestWithParam<std::string> {
 protected:
  // Starts a run of four slow groups, and waits until one of them is written.
  pid_t start_and_wait_for_a_row() {
    space_.write("w.yaml",
                 "name: w\nop: twice\nsweep: {n: [2, 4, 6, 8]}\nvariants: [right, slow]\n"
                 "rounds: 6\nmin_time: 0.0001\n");
    const pid_t pid = space_.start({"run", "w.yaml", "--out", "o", "--spread", "0", "--isolate", GetParam()});
    EXPECT_TRUE(eventually([&] { return parse_csv(space_.read("o/results.csv")).size() >= 3; }));
    return pid;
  }

  void expect_resume_completes() {
    const Finished resumed = space_.run({"run", "--resume", "o"});
    EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
    const std::vector<Row> rows = rows_of(space_, "o/results.csv");
    EXPECT_THAT(rows, SizeIs(8));
    EXPECT_THAT(identities(rows), SizeIs(8));
    std::set<std::string> run_ids;
    for (const Row& row : rows) run_ids.insert(row.run_id);
    EXPECT_THAT(run_ids, SizeIs(1));
    EXPECT_EQ(parse_csv(space_.read("o/samples.csv")).size(), 1 + 8 * 6);
  }

  Workspace space_;
};

TEST_P(Stopped, ByCtrlCLeavesAValidCsvAndExits130) {
  const pid_t pid = start_and_wait_for_a_row();
  kill(pid, SIGINT);
  const Finished run = space_.wait(pid);
  EXPECT_EQ(run.exit_code, 130) << run.err;
  EXPECT_THAT(run.err, HasSubstr("--resume o"));
  EXPECT_LT(rows_of(space_, "o/results.csv").size(), 8u);
  expect_resume_completes();
}

TEST_P(Stopped, ByKillLosesTheRowInHandOnly) {
  const pid_t pid = start_and_wait_for_a_row();
  kill(pid, SIGKILL);
  EXPECT_EQ(space_.wait(pid).exit_code, 128 + SIGKILL);
  const std::set<std::string> before = identities(rows_of(space_, "o/results.csv"));
  expect_resume_completes();
  EXPECT_THAT(identities(rows_of(space_, "o/results.csv")), ::testing::IsSupersetOf(before));
}

INSTANTIATE_TEST_SUITE_P(Isolation, Stopped, ::testing::Values("none", "case"));

TEST(Isolation, CostsALostDeviceOneRow) {
  const Workspace space;
  space.write("w.yaml", workload("right, loses_device, also_right"));
  EXPECT_EQ(space.run({"run", "w.yaml", "--isolate", "case", "--out", "o"}).exit_code, 4);
  for (const Row& row : rows_of(space, "o/results.csv")) {
    const bool lost = row.variant == "loses_device";
    EXPECT_EQ(row.time_median_ns.has_value(), !lost) << row.variant << " " << row.status;
    if (lost) {
      EXPECT_EQ(row.status, "crashed");
      EXPECT_EQ(row.reason,
                "the kernel left its device unusable: an illegal memory access was encountered");
    }
  }
}

TEST(Run, SkipsWhatComesAfterALostDeviceAndNamesTheKernelThatLostIt) {
  const Workspace space;
  space.write("w.yaml", workload("loses_device"));
  std::string second = workload("right");
  second.replace(second.find("name: w"), 7, "name: v");
  space.write("v.yaml", second);
  EXPECT_EQ(space.run({"run", "w.yaml", "v.yaml", "--out", "o"}).exit_code, 4);
  int skipped = 0;
  for (const Row& row : rows_of(space, "o/results.csv")) {
    if (row.variant != "right") continue;
    ++skipped;
    EXPECT_EQ(row.status, "skipped");
    EXPECT_THAT(row.reason, HasSubstr("twice/loses_device@scalar left the device unusable"));
    EXPECT_THAT(row.reason, HasSubstr("--isolate case"));
  }
  EXPECT_GT(skipped, 0);
}

TEST(Resume, DropsAHalfWrittenLineAndMeasuresItsGroupAgain) {
  const Workspace space;
  space.write("w.yaml", workload("right, also_right"));
  ASSERT_EQ(space.run({"run", "w.yaml", "--out", "o"}).exit_code, 0);
  const std::string whole = space.read("o/results.csv");
  space.write("o/results.csv", whole.substr(0, whole.size() - 40));
  const Finished resumed = space.run({"run", "--resume", "o"});
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  const std::vector<Row> rows = rows_of(space, "o/results.csv");
  EXPECT_THAT(identities(rows), SizeIs(4));
  EXPECT_THAT(rows, SizeIs(4));
  EXPECT_EQ(csv_header() + csv_row(rows[0]) + csv_row(rows[1]),
            whole.substr(0, (csv_header() + csv_row(rows[0]) + csv_row(rows[1])).size()))
      << "a complete group was measured again";
}

TEST(Resume, OfACompleteRunMeasuresNothingAndJudgesAllItsRows) {
  const Workspace space;
  space.write("w.yaml", workload("right, wrong"));
  ASSERT_EQ(space.run({"run", "w.yaml", "--out", "o"}).exit_code, 3);
  const std::string before = space.read("o/results.csv");
  EXPECT_EQ(space.run({"run", "--resume", "o"}).exit_code, 3);
  EXPECT_EQ(space.read("o/results.csv"), before);
}

TEST(Resume, RefusesAFolderWithoutARunAndOneOfAnotherMachine) {
  const Workspace space;
  EXPECT_EQ(space.run({"run", "--resume", "nowhere"}).exit_code, 2);
  EXPECT_THAT(space.read("stderr"), HasSubstr("no run to resume"));
  space.write("w.yaml", workload("right"));
  ASSERT_EQ(space.run({"run", "w.yaml", "--out", "o"}).exit_code, 0);
  nlohmann::json run = nlohmann::json::parse(space.read("o/run.json"));
  run["host"] = "Z80";
  space.write("o/run.json", run.dump());
  EXPECT_EQ(space.run({"run", "--resume", "o"}).exit_code, 2);
  EXPECT_THAT(space.read("stderr"), HasSubstr("another machine (Z80)"));
  for (const char* broken : {"", "{}", "[1, 2]"}) {
    space.write("o/run.json", broken);
    EXPECT_EQ(space.run({"run", "--resume", "o"}).exit_code, 2) << broken;
  }
}

// --- isolation
// ------------------------------------------------------------------------------------

TEST(Isolated, KernelsThatDieCostTheirOwnRowsOnly) {
  const Workspace space;
  space.write("w.yaml", workload("\"*\"", "timeout: 0.3\nbaseline: right\n"));
  const Finished run = space.run({"run", "w.yaml", "--isolate", "case", "--out", "o"});
  EXPECT_EQ(run.exit_code, 3) << run.err;
  const std::map<std::string, std::string> expected = {{"right", ""},
                                                       {"also_right", ""},
                                                       {"changing", ""},
                                                       {"marked", ""},
                                                       {"loses_device", "crashed"},
                                                       {"slow", ""},
                                                       {"wrong", "incorrect"},
                                                       {"throws", "crashed"},
                                                       {"unmakeable", "crashed"},
                                                       {"aborts", "crashed"},
                                                       {"segfaults", "crashed"},
                                                       {"exits", "crashed"},
                                                       {"dies_later", "crashed"},
                                                       {"hangs", "timeout"},
                                                       {"refuses", "skipped"}};
  const std::vector<Row> rows = rows_of(space, "o/results.csv");
  EXPECT_THAT(rows, SizeIs(2 * expected.size()));
  for (const Row& row : rows) {
    const std::string& status = expected.at(row.variant);
    if (status.empty()) {
      EXPECT_TRUE(row.time_median_ns && row.speedup) << row.variant << " " << row.status;
    } else {
      EXPECT_EQ(row.status, status) << row.variant;
      EXPECT_FALSE(row.reason.empty());
      EXPECT_FALSE(row.time_median_ns);
    }
    EXPECT_THAT(row.repro, HasSubstr(row.variant));
    if (row.variant == "segfaults") {
      EXPECT_THAT(row.reason, HasSubstr("signal 11"));
    }
    if (row.variant == "hangs") {
      EXPECT_THAT(row.reason, HasSubstr("0.3 s"));
    }
  }
  EXPECT_EQ(parse_csv(space.read("o/samples.csv")).size(), 1 + 10 * 6);
}

TEST(Isolated, WorkersDoNotOutliveTheirParent) {
  const Workspace space;
  space.write("w.yaml", workload("hangs"));
  const pid_t pid = space.start({"run", "w.yaml", "--isolate", "case", "--out", "o"});
  const std::string children =
      "/proc/" + std::to_string(pid) + "/task/" + std::to_string(pid) + "/children";
  pid_t worker = 0;
  ASSERT_TRUE(eventually([&] { return static_cast<bool>(std::ifstream(children) >> worker); }));
  kill(pid, SIGKILL);
  space.wait(pid);
  EXPECT_TRUE(eventually([&] { return kill(worker, 0) != 0; }));
}

// --- verify, list, env
// ----------------------------------------------------------------------------

TEST(Verify, ShowsErrorsAndTimesNothing) {
  const Workspace space;
  space.write("w.yaml", workload("right, wrong", "cache: [warm, cold]\n"));
  const Finished verify = space.run({"verify", "w.yaml", "--csv", "rows.csv"});
  EXPECT_EQ(verify.exit_code, 3);
  const std::vector<Row> rows = rows_of(space, "rows.csv");
  EXPECT_THAT(rows, SizeIs(4)) << "the state of the caches is no matter for the answer";
  for (const Row& row : rows) {
    EXPECT_FALSE(row.time_median_ns);
    EXPECT_EQ(row.verify, row.variant == "right" ? "pass" : "fail");
    EXPECT_TRUE(row.err_max_rel);
  }
  EXPECT_EQ(space.run({"verify", "w.yaml", "--variants", "right"}).exit_code, 0);
}

TEST(Verify, DumpsTheTensorsOfEachCase) {
  const Workspace space;
  space.write("w.yaml", workload("right"));
  ASSERT_EQ(space.run({"verify", "w.yaml", "--dump", "d"}).exit_code, 0);
  std::multiset<std::string> names;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(space.path("d"))) {
    if (entry.is_regular_file()) names.insert(entry.path().filename());
  }
  EXPECT_THAT(
      names, ElementsAre("x.npy", "x.npy", "y.npy", "y.npy", "y.reference.npy", "y.reference.npy"));
  EXPECT_EQ(space.run({"verify", "w.yaml", "--dump", "/dev/null/d"}).exit_code, 2);
}

TEST(List, ShowsWhatCannotRunWithItsReason) {
  const Workspace space;
  const nlohmann::json variants =
      nlohmann::json::parse(space.run({"list", "variants", "--json"}).out);
  bool seen = false;
  for (const auto& variant : variants) {
    if (variant["variant"] != "refuses") continue;
    seen = true;
    EXPECT_EQ(variant["runs_here"], false);
    EXPECT_EQ(variant["reason"], "not in the mood");
  }
  EXPECT_TRUE(seen);
  const nlohmann::json all = nlohmann::json::parse(space.run({"list", "--json"}).out);
  for (const char* what : {"ops", "variants", "workloads", "devices"})
    EXPECT_TRUE(all.contains(what));
  EXPECT_EQ(space.run({"list", "thngs"}).exit_code, 2);
}

TEST(Env, IsJsonThatNamesTheMachineAndTheProgram) {
  const Workspace space;
  const nlohmann::json env = nlohmann::json::parse(space.run({"env"}).out);
  EXPECT_FALSE(env.at("machine").at("cpu").get<std::string>().empty());
  EXPECT_FALSE(env.at("program").at("git_sha").get<std::string>().empty());
}

// --- the program as it is built
// --------------------------------------------------------------------

TEST(Program, FindsItsWorkloadsWhereverItIsRunFrom) {
  const Workspace space;
  const Finished plan = space.run({"run", "configs/quickstart.yaml", "--dry-run"}, {}, SB_PROGRAM);
  EXPECT_EQ(plan.exit_code, 0) << plan.err;
  EXPECT_THAT(plan.out, HasSubstr("softmax/two_pass"));
}

TEST(Program, HasNoWorkloadWithErrors) {
  const Workspace space;
  const Finished list = space.run({"list", "workloads", "--json"}, {}, SB_PROGRAM);
  const nlohmann::json workloads = nlohmann::json::parse(list.out);
  EXPECT_FALSE(workloads.empty());
  for (const auto& workload : workloads) EXPECT_THAT(workload["errors"], IsEmpty()) << workload;
}

TEST(Program, DoesNotCarryTheFakes) {
  const Workspace space;
  EXPECT_THAT(space.run({"list", "ops"}, {}, SB_PROGRAM).out, Not(HasSubstr("twice")));
}

}  // namespace
}  // namespace sb
