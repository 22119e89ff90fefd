// Runs that are stopped, and how they go on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <nlohmann/json.hpp>
#include <set>

#include "fake_run.h"
#include "program.h"
#include "report/csv.h"
#include "report/csv_text.h"

namespace sb {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

class Stopped : public ::testing::TestWithParam<std::string> {
 protected:
  // Starts a run of four slow groups, and waits until one of them is written.
  pid_t start_and_wait_for_a_row() {
    space_.write("w.yaml",
                 "name: w\nop: twice\nsweep: {n: [2, 4, 6, 8]}\nvariants: [right, slow]\n"
                 "rounds: 6\nmin_time: 0.0001\n");
    const pid_t pid =
        space_.start({"run", "w.yaml", "--out", "o", "--spread", "0", "--isolate", GetParam()});
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

}  // namespace
}  // namespace sb
