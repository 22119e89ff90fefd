// verify, list, env, and the program as it is built.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "fake_run.h"
#include "program.h"
#include "report/csv.h"

namespace sb {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

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
