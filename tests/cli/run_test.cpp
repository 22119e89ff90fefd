// What a run leaves and prints.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>

#include "fake_run.h"
#include "machine/peaks.h"
#include "machine/topology.h"
#include "program.h"
#include "report/csv.h"
#include "report/csv_text.h"
#include "report/long_form.h"

namespace sb {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;

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

std::map<std::string, int> metrics_counted(const Workspace& space) {
  std::map<std::string, int> count;
  for (const auto& [row, metrics] : read_metrics(space.path("o/metrics.csv"))) {
    for (const Metric& metric : metrics) ++count[metric.name];
  }
  return count;
}

TEST(Run, RunsTheCeilingsLoopBesideTheRowsWhenAskedForAProbe) {
  const Workspace space;
  space.write("w.yaml", workload("right, throws"));
  save_peaks({.identity = machine_identity(),
              .date = "2026-01-01T00:00:00Z",
              .roofs = {{.id = "fma/scalar/f32/t1",
                         .is_flops = true,
                         .kind = "fma",
                         .isa = "scalar",
                         .dtype = "f32",
                         .value = 1e12}}},
             space.path("peaks.json"));
  for (const std::string isolate : {"none", "case"}) {
    const Finished done = space.run(
        {"run", "w.yaml", "--out", "o", "--peaks", "peaks.json", "--probe", "--isolate", isolate});
    EXPECT_EQ(done.exit_code, 4) << done.err;  // throws
    EXPECT_EQ(
        metrics_counted(space),
        (std::map<std::string, int>{
            {"pct_probe", 2}, {"pct_probe_hi", 2}, {"pct_probe_lo", 2}, {"probe_gflop_per_s", 2}}));
    std::filesystem::remove_all(space.path("o"));
  }
}

TEST(Run, WithAProbeButWithoutCeilingsIsRefused) {
  const Workspace space;
  space.write("w.yaml", workload("right"));
  const Finished done = space.run({"run", "w.yaml", "--probe", "--peaks", "none"});
  EXPECT_EQ(done.exit_code, 2);
  EXPECT_THAT(done.err, HasSubstr("--probe runs the ceilings again"));
}

}  // namespace
}  // namespace sb
