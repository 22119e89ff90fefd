// Bad input and bad places for the output.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "fake_run.h"
#include "program.h"
#include "report/csv.h"

namespace sb {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;

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

TEST(BadInput, AFileForTurnsThatCannotBeWrittenIsNamedAndLeavesNoRun) {
  const Workspace space;
  space.write("w.yaml", workload("right"));
  const Finished run = space.run({"run", "w.yaml", "--turns", "nosuchdir/turns", "--out", "o"});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, HasSubstr("--turns nosuchdir/turns: No such file"));
  EXPECT_FALSE(std::filesystem::exists(space.path("o")));
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

}  // namespace
}  // namespace sb
