// Every option of `run` that the plan fixes, by its environment twin, and the help of each command.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <regex>
#include <set>

#include "program.h"
#include "report/csv.h"

namespace sb {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

std::vector<std::string> matches(const std::string& text, const std::string& pattern) {
  const std::regex regex(pattern);
  std::vector<std::string> all;
  for (std::sregex_iterator it(text.begin(), text.end(), regex), end; it != end; ++it) {
    all.push_back((*it)[1]);
  }
  return all;
}

TEST(Help, OfEachCommandEndsWithTwoExamplesOfIt) {
  const Workspace space;
  const std::string list = space.run({"--help"}).out;
  const std::vector<std::string> commands =
      matches(list.substr(std::min(list.find("Subcommands:"), list.size())), "\n  ([a-z]+) ");
  EXPECT_GE(commands.size(), 9u) << list;
  for (const std::string& command : commands) {
    const Finished help = space.run({command, "--help"});
    EXPECT_EQ(help.exit_code, 0);
    const std::string examples =
        help.out.substr(std::min(help.out.find("\nExamples:"), help.out.size()));
    EXPECT_THAT(matches(examples, "\n  softmax-bench (" + command + ")"), SizeIs(2)) << help.out;
  }
}

TEST(Help, OfRunNamesTheTwinOfEveryOption) {
  const Workspace space;
  const std::string help = space.run({"run", "--help"}).out;
  for (const std::string option :
       {"--out",    "--csv",      "--filter", "--variants", "--device", "--threads", "--set",
        "--rounds", "--min-time", "--quick",  "--dry-run",  "--resume", "--isolate", "--timeout",
        "--seed",   "--quiet",    "--peaks",  "--spread",   "--turns",  "--probe"}) {
    std::string twin = "SOFTMAX_BENCH_" + option.substr(2);
    for (char& c : twin) c = c == '-' ? '_' : static_cast<char>(std::toupper(c));
    EXPECT_TRUE(std::regex_search(help, std::regex("  " + option + "[^\n]*Env:" + twin + "\\)")))
        << option << "\n"
        << help;
  }
}

struct Outcome {
  const Workspace& space;
  Finished finished;
  std::vector<Row> rows;  // of the folder o
};

struct Twin {
  const char* what;
  Workspace::Environment environment;
  std::function<void(const Outcome&)> check;
};
void PrintTo(const Twin& t, std::ostream* out) { *out << t.what; }

class Environment : public ::testing::TestWithParam<Twin> {};

// Four cases.
TEST_P(Environment, SaysWhatAnOptionWouldSay) {
  const Workspace space;
  space.write("w.yaml",
              "name: w\nop: twice\nsweep: {n: [4, 8]}\nvariants: [right, also_right]\n"
              "min_time: 0.0001\n");
  space.write("machine.yaml",
              "name: mine\nsource: a guess\nroofs:\n  - {isa: scalar, dtype: f32, kind: fma, "
              "gflop_per_s: 50}\n");
  Workspace::Environment environment = GetParam().environment;
  environment.try_emplace("SOFTMAX_BENCH_OUT", "o");
  const Finished finished = space.run({"run", "w.yaml"}, environment);
  std::vector<Row> rows;
  if (std::filesystem::exists(space.path("o/results.csv"))) {
    rows = read_csv(space.path("o/results.csv")).rows;
  }
  GetParam().check({space, finished, rows});
}

const std::vector<Twin>& twins() {
  static const std::vector<Twin> all = {
      {"Out",
       {{"SOFTMAX_BENCH_OUT", "there"}},
       [](const Outcome& o) {
         EXPECT_TRUE(std::filesystem::exists(o.space.path("there/results.csv")));
       }},
      {"Csv",
       {{"SOFTMAX_BENCH_CSV", "more.csv"}},
       [](const Outcome& o) { EXPECT_THAT(read_csv(o.space.path("more.csv")).rows, SizeIs(4)); }},
      {"Filter",
       {{"SOFTMAX_BENCH_FILTER", "/right@.*n=8"}},
       [](const Outcome& o) {
         ASSERT_THAT(o.rows, SizeIs(1));
         EXPECT_EQ(o.rows[0].params, "n=8");
       }},
      {"Variants",
       {{"SOFTMAX_BENCH_VARIANTS", "also_*"}},
       [](const Outcome& o) { EXPECT_THAT(o.rows, SizeIs(2)); }},
      {"Device",
       {{"SOFTMAX_BENCH_DEVICE", "cuda"}},
       [](const Outcome& o) { EXPECT_EQ(o.finished.exit_code, 2); }},
      {"Threads",
       {{"SOFTMAX_BENCH_THREADS", "1,4000"}},
       [](const Outcome& o) {
         ASSERT_THAT(o.rows, SizeIs(8));
         std::set<std::string> reasons;
         for (const Row& row : o.rows) reasons.insert(row.status + " " + row.reason);
         EXPECT_THAT(*reasons.rbegin(), HasSubstr("skipped asks for 4000 threads"));
       }},
      {"Set",
       {{"SOFTMAX_BENCH_SET", "n=32"}},
       [](const Outcome& o) {
         ASSERT_THAT(o.rows, SizeIs(2));
         EXPECT_EQ(o.rows[0].params, "n=32");
       }},
      {"Rounds",
       {{"SOFTMAX_BENCH_ROUNDS", "7"}},
       [](const Outcome& o) {
         for (const Row& row : o.rows) EXPECT_EQ(row.rounds, 7);
       }},
      {"MinTime",
       {{"SOFTMAX_BENCH_MIN_TIME", "0.01"}},
       [](const Outcome& o) {
         for (const Row& row : o.rows) {
           const auto calls = static_cast<double>(row.iterations.value_or(0));
           EXPECT_GT(calls * row.time_median_ns.value_or(0), 0.003e9);
         }
       }},
      {"Quick",
       {{"SOFTMAX_BENCH_QUICK", "1"}},
       [](const Outcome& o) {
         ASSERT_THAT(o.rows, SizeIs(4));
         for (const Row& row : o.rows) EXPECT_LT(row.rounds, 15);
       }},
      {"DryRun",
       {{"SOFTMAX_BENCH_DRY_RUN", "1"}},
       [](const Outcome& o) {
         EXPECT_THAT(o.finished.out, HasSubstr("4 cases in 2 groups"));
         EXPECT_FALSE(std::filesystem::exists(o.space.path("o")));
       }},
      {"Resume",
       {{"SOFTMAX_BENCH_RESUME", "earlier"}},
       [](const Outcome& o) {
         EXPECT_EQ(o.finished.exit_code, 2);
         EXPECT_THAT(o.finished.err, HasSubstr("earlier: no run to resume"));
       }},
      {"IsolateAndTimeout",
       {{"SOFTMAX_BENCH_ISOLATE", "case"},
        {"SOFTMAX_BENCH_TIMEOUT", "0.2"},
        {"SOFTMAX_BENCH_VARIANTS", "hangs"},
        {"SOFTMAX_BENCH_SET", "n=4"}},
       [](const Outcome& o) {
         EXPECT_EQ(o.finished.exit_code, 4);
         ASSERT_THAT(o.rows, SizeIs(1));
         EXPECT_EQ(o.rows[0].reason, "took longer than 0.2 s");
       }},
      {"Seed",
       {{"SOFTMAX_BENCH_SEED", "3"}},
       [](const Outcome& o) {
         for (const Row& row : o.rows) EXPECT_EQ(row.seed, 3);
       }},
      {"Quiet",
       {{"SOFTMAX_BENCH_QUIET", "true"}},
       [](const Outcome& o) {
         EXPECT_EQ(o.finished.out, "");
         EXPECT_THAT(o.rows, SizeIs(4));
       }},
      {"Peaks",
       {{"SOFTMAX_BENCH_PEAKS", "nothere.json"}},
       [](const Outcome& o) { EXPECT_THAT(o.finished.err, HasSubstr("nothere.json")); }},
      {"DeclaredPeaks",
       {{"SOFTMAX_BENCH_PEAKS", "machine.yaml"}},
       [](const Outcome& o) {
         ASSERT_THAT(o.rows, SizeIs(4));
         for (const Row& row : o.rows) {
           EXPECT_EQ(row.roof_id, "fma/scalar/f32/t1 (declared)");
           EXPECT_GT(row.pct_roof.value_or(0), 0);
         }
       }},
      {"IsaCap",
       {{"SOFTMAX_BENCH_ISA", "avx1024"}},
       [](const Outcome& o) {
         EXPECT_EQ(o.finished.exit_code, 2);
         EXPECT_THAT(o.finished.err, HasSubstr("none of scalar, avx2, avx512"));
       }},
  };
  return all;
}

INSTANTIATE_TEST_SUITE_P(Every, Environment, ::testing::ValuesIn(twins()),
                         [](const auto& twin) { return std::string(twin.param.what); });

}  // namespace
}  // namespace sb
