// gate with real processes: what it says, returns and leaves behind. No time is looked at but that
// a sleep is longer than none.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "program.h"

namespace sb {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;

class GateCommand : public ::testing::Test {
 protected:
  void SetUp() override {
    write_workload("changing, right");
    // Wide, because fakes of 50 ns scatter and nothing here is about that.
    space_.write("policy.yaml", "threshold: 10\nlaunch_pairs: 6\nrerun_pairs: 11\nrounds: 2\n");
  }

  void write_workload(const std::string& variants) const {
    space_.write("w.yaml", "name: w\nop: twice\nsweep: {n: [4]}\nvariants: [" + variants +
                               "]\nmin_time: 0.000001\ntimeout: 0.5\n");
  }

  // A program that behaves as $SB_FAKE_BUILD = `kind` says.
  std::string build(const std::string& kind) const {
    return script(kind, "SB_FAKE_BUILD=" + kind + " exec " + SB_FAKE_PROGRAM + " \"$@\"\n");
  }

  std::string script(const std::string& name, const std::string& lines) const {
    space_.write(name, "#!/bin/sh\n" + lines);
    std::filesystem::permissions(space_.path(name), std::filesystem::perms::owner_all);
    return space_.path(name).string();
  }

  Finished gate(const std::string& base, const std::string& head,
                std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments = {"gate", "--base",   base,          "--head",
                                          head,   "--policy", "policy.yaml", "w.yaml"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return space_.run(arguments);
  }

  nlohmann::json verdict() const {
    return nlohmann::json::parse(space_.read("results/gate/verdict.json"), nullptr, false);
  }
  std::string verdict_of(const std::string& variant) const {
    const nlohmann::json json = verdict();
    for (const auto& row : json["rows"]) {
      if (row["case"].get<std::string>().find("/" + variant + "@") != std::string::npos) {
        return row["verdict"];
      }
    }
    return "no row";
  }
  bool left_a_verdict() const {
    const auto dir = space_.path("results/gate");
    return std::filesystem::exists(dir) && !std::filesystem::is_empty(dir);
  }

  Workspace space_;
};

TEST_F(GateCommand, TakesTheSameBuildTwice) {
  const Finished done = gate(SB_FAKE_PROGRAM, SB_FAKE_PROGRAM);
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_THAT(done.out, AllOf(HasSubstr("2 rows: 0 SLOWER"), HasSubstr("verdict.json")));
  EXPECT_EQ(verdict()["exit_code"], 0);
  EXPECT_EQ(verdict()["rows"][0]["launch_pairs"], 6);
  EXPECT_THAT(space_.read("results/gate/junit.xml"), HasSubstr("tests=\"2\" failures=\"0\""));
  const std::string parse =
      "python3 -c 'import sys, xml.etree.ElementTree as xml; xml.parse(sys.argv[1])' ";
  EXPECT_EQ(std::system((parse + space_.path("results/gate/junit.xml").string()).c_str()), 0);
  EXPECT_THAT(space_.read("results/gate/comment.md"), HasSubstr("**2 rows"));
}

TEST_F(GateCommand, JudgesItselfUnlessAHeadIsNamed) {
  EXPECT_EQ(
      space_.run({"gate", "--base", build("lacks"), "--policy", "policy.yaml", "w.yaml"}).exit_code,
      0);
  EXPECT_EQ(verdict_of("changing"), "NEW");
}

TEST_F(GateCommand, ExitsOneOnASlowerHeadAfterASecondLook) {
  EXPECT_EQ(gate(SB_FAKE_PROGRAM, build("slow")).exit_code, 1);
  EXPECT_EQ(verdict_of("changing"), "SLOWER");
  EXPECT_THAT(verdict_of("right"), AnyOf("SAME", "AMBIGUOUS"));
  EXPECT_EQ(verdict()["exit_code"], 1);
  EXPECT_THAT(space_.read("results/gate/verdict.json"), HasSubstr("confirmed by 11"));
  EXPECT_EQ(gate(SB_FAKE_PROGRAM, build("slow"), {"--fail-on", "none"}).exit_code, 0);
}

TEST_F(GateCommand, ExitsZeroOnAFasterHead) {
  EXPECT_EQ(gate(build("slow"), SB_FAKE_PROGRAM).exit_code, 0);
  EXPECT_EQ(verdict_of("changing"), "FASTER");
}

TEST_F(GateCommand, ExitsThreeOnAWrongHeadAndNotOnAWrongBase) {
  EXPECT_EQ(gate(SB_FAKE_PROGRAM, build("wrong")).exit_code, 3);
  EXPECT_EQ(gate(build("wrong"), SB_FAKE_PROGRAM).exit_code, 0);
  EXPECT_EQ(verdict_of("changing"), "NEW");
}

TEST_F(GateCommand, ExitsFourOnAHeadThatDiesOrHangsAndKeepsTheOtherRows) {
  for (const char* kind : {"dies", "hangs"}) {
    EXPECT_EQ(gate(SB_FAKE_PROGRAM, build(kind)).exit_code, 4) << kind;
    EXPECT_EQ(verdict_of("changing"), "MISSING");
    EXPECT_THAT(verdict_of("right"), AnyOf("SAME", "AMBIGUOUS"));
  }
}

TEST_F(GateCommand, GoesOnWithoutACaseThatLosesItsDevice) {
  write_workload("loses_device, right");
  EXPECT_EQ(gate(SB_FAKE_PROGRAM, SB_FAKE_PROGRAM).exit_code, 0);
  EXPECT_EQ(verdict_of("loses_device"), "UNCOMPARED");
  EXPECT_THAT(space_.read("results/gate/verdict.json"), HasSubstr("illegal memory access"));
  EXPECT_THAT(verdict_of("right"), AnyOf("SAME", "AMBIGUOUS"));
}

TEST_F(GateCommand, DoesNotCompareRowsOfADeviceThatOneBuildHasNoCodeFor) {
  write_workload("\"*\"");
  const std::vector<std::string> both = {"--filter", "/on_gpu@|/right@"};
  EXPECT_EQ(gate(SB_FAKE_PROGRAM, build("has_gpu"), both).exit_code, 0);
  EXPECT_EQ(verdict_of("on_gpu"), "UNCOMPARED");
  EXPECT_THAT(verdict_of("right"), AnyOf("SAME", "AMBIGUOUS"));
  EXPECT_EQ(gate(build("has_gpu"), SB_FAKE_PROGRAM, both).exit_code, 0);
  EXPECT_EQ(verdict_of("on_gpu"), "UNCOMPARED");
  EXPECT_EQ(gate(build("has_gpu"), build("has_gpu"), both).exit_code, 0);
  EXPECT_THAT(verdict_of("on_gpu"), AnyOf("SAME", "AMBIGUOUS"));
}

TEST_F(GateCommand, SaysThatABaseWhichDiesIsNothingToCompareWith) {
  EXPECT_EQ(gate(build("dies"), SB_FAKE_PROGRAM).exit_code, 0);
  EXPECT_EQ(verdict_of("changing"), "UNCOMPARED");
}

TEST_F(GateCommand, SaysWhichBuildLacksACase) {
  EXPECT_EQ(gate(build("lacks"), SB_FAKE_PROGRAM).exit_code, 0);
  EXPECT_EQ(verdict_of("changing"), "NEW");
  const Finished done = gate(SB_FAKE_PROGRAM, build("lacks"));
  EXPECT_EQ(done.exit_code, 1);
  EXPECT_THAT(done.out, HasSubstr("the head build has no such case"));
}

TEST_F(GateCommand, ExitsSeventySevenWhereNothingCanRun) {
  write_workload("refuses");
  EXPECT_EQ(gate(SB_FAKE_PROGRAM, SB_FAKE_PROGRAM).exit_code, 77);
}

TEST_F(GateCommand, TakesAFilterAndTheNumberOfPairs) {
  EXPECT_EQ(
      gate(SB_FAKE_PROGRAM, SB_FAKE_PROGRAM, {"--filter", "right@", "--pairs", "7"}).exit_code, 0);
  EXPECT_EQ(verdict()["rows"].size(), 1u);
  EXPECT_EQ(verdict()["rows"][0]["launch_pairs"], 7);
}

TEST_F(GateCommand, RefusesProgramsThatAreNoBuildsOfOurs) {
  const std::map<std::string, std::string> programs = {
      {"/nonexistent/program", "cannot be started: No such file"},
      {"/etc/passwd", "cannot be started: Permission denied"},
      {"/bin/true", "no softmax-bench with a gate worker (exit status 0)"},
      {script("killed", "kill -9 $$\n"), "signal 9"},
      {script("garbage", "echo hello >&3\nsleep 5\n"), "no JSON object"},
      {script("array", "echo '[1]' >&3\nsleep 5\n"), "no JSON object"},
      {script("later", "echo '{\"gate_protocol\": 99}' >&3\nsleep 5\n"), "version 99"},
      {script("mute", "echo '{\"gate_protocol\": 1}' >&3\n"), "ended before it answered"},
      {script("liar", "echo '{\"gate_protocol\": 1}' >&3\nread x\necho '{\"groups\": 5}' >&3\n"),
       "does not answer as a gate worker does"}};
  for (const auto& [program, says] : programs) {
    const Finished done = gate(program, SB_FAKE_PROGRAM);
    EXPECT_EQ(done.exit_code, 2) << program;
    EXPECT_THAT(done.err, AllOf(HasSubstr("--base " + program), HasSubstr(says)));
    EXPECT_FALSE(left_a_verdict());
  }
  EXPECT_THAT(gate(SB_FAKE_PROGRAM, "/nonexistent").err, HasSubstr("--head /nonexistent"));
}

TEST_F(GateCommand, BlamesRepliesThatAreNoneOnTheCase) {
  // Greets and plans as the real one would, then answers every request with nonsense.
  const std::string nonsense =
      script("nonsense",
             "echo '{\"gate_protocol\": 1}' >&3\nread x\n"
             "echo '{\"groups\":[[{\"name\":\"w/twice/right@scalar/f32/n=4/t1/warm\","
             "\"why_skipped\":\"\"}]]}' >&3\nwhile read x; do echo '{\"what\": 1}' >&3; done\n");
  write_workload("right");
  EXPECT_EQ(gate(SB_FAKE_PROGRAM, nonsense).exit_code, 4);
  EXPECT_THAT(space_.read("results/gate/verdict.json"), HasSubstr("no sound reply"));
}

TEST_F(GateCommand, RefusesABadPolicyWorkloadOrFolderAndLeavesNoVerdict) {
  ASSERT_EQ(gate(SB_FAKE_PROGRAM, SB_FAKE_PROGRAM).exit_code, 0);
  space_.write("policy.yaml", "treshold: 0.03\n");
  const Finished policy = gate(SB_FAKE_PROGRAM, SB_FAKE_PROGRAM, {"--out", "o"});
  EXPECT_EQ(policy.exit_code, 2);
  EXPECT_THAT(policy.err, AllOf(HasSubstr("policy.yaml:1:1"), HasSubstr("threshold")));
  space_.write("policy.yaml", "launch_pairs: 5\n");
  EXPECT_THAT(gate(SB_FAKE_PROGRAM, SB_FAKE_PROGRAM, {"--out", "o"}).err,
              HasSubstr("launch_pairs"));
  space_.write("policy.yaml", "threshold: 10\n");
  write_workload("rihgt");
  const Finished workload = gate(SB_FAKE_PROGRAM, SB_FAKE_PROGRAM, {"--out", "o"});
  EXPECT_EQ(workload.exit_code, 2);
  EXPECT_THAT(workload.err, AllOf(HasSubstr("w.yaml:4"), HasSubstr("did you mean \"right\"?")));
  EXPECT_FALSE(std::filesystem::exists(space_.path("o")));
  write_workload("right");
  const Finished folder = gate(SB_FAKE_PROGRAM, SB_FAKE_PROGRAM, {"--out", "/dev/null/o"});
  EXPECT_EQ(folder.exit_code, 2);
  EXPECT_THAT(folder.err, HasSubstr("/dev/null/o"));
  EXPECT_EQ(gate(SB_FAKE_PROGRAM, SB_FAKE_PROGRAM, {"--fail-on", "slow"}).exit_code, 2);
  EXPECT_EQ(space_.run({"gate", "w.yaml"}).exit_code, 2);
}

TEST_F(GateCommand, LeavesNoVerdictOfAnEarlierGateWhenItFails) {
  ASSERT_EQ(gate(SB_FAKE_PROGRAM, SB_FAKE_PROGRAM).exit_code, 0);
  ASSERT_TRUE(left_a_verdict());
  EXPECT_EQ(gate("/nonexistent", SB_FAKE_PROGRAM).exit_code, 2);
  EXPECT_FALSE(left_a_verdict());
}

TEST_F(GateCommand, StopsOnCtrlCWithoutAVerdict) {
  write_workload("hangs");
  const std::string slow = space_.read("w.yaml");
  space_.write("w.yaml", slow.substr(0, slow.find("timeout")) + "timeout: 100\n");
  const pid_t pid = space_.start({"gate", "--base", SB_FAKE_PROGRAM, "w.yaml"});
  usleep(300000);
  kill(pid, SIGINT);
  const Finished done = space_.wait(pid);
  EXPECT_EQ(done.exit_code, 130) << done.err;
  EXPECT_THAT(done.err, HasSubstr("interrupted; no verdict"));
  EXPECT_FALSE(left_a_verdict());
}

}  // namespace
}  // namespace sb
