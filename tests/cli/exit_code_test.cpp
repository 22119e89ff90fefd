// Exit codes, as a truth table.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fake_run.h"
#include "program.h"

namespace sb {
namespace {

using ::testing::HasSubstr;

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

TEST(Run, RefusesADeviceThatIsAskedForByNameAndAbsentAndSaysWhatToDo) {
  const Workspace space;
  space.write("w.yaml", workload("right"));
  const Finished finished = space.run({"run", "w.yaml", "--device", "cuda"});
  EXPECT_THAT(finished.err, HasSubstr("--device cuda: "));
  EXPECT_THAT(finished.err, HasSubstr("verify --device simt"));
}

}  // namespace
}  // namespace sb
