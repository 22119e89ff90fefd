// profile as users meet it, and the NVTX ranges of profile and run as a tool sees them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "program.h"

namespace sb {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class ProfileCommand : public ::testing::Test {
 protected:
  ProfileCommand() {
    space_.write("w.yaml",
                 "name: w\nop: twice\nsweep: {n: 64}\nvariants: [marked]\nthreads: [1, 2]\n");
  }
  Finished profile(std::vector<std::string> more, const Workspace::Environment& env = {}) const {
    std::vector<std::string> arguments = {"profile", "w.yaml"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return space_.run(arguments, env);
  }
  Workspace space_;
};

TEST_F(ProfileCommand, ShowsThePhasesOfEveryCase) {
  const Finished done = profile({"--counters", "none"});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_THAT(done.out,
              AllOf(HasSubstr("w/twice/marked@scalar/f32/n=64/t1/warm"),
                    HasSubstr("w/twice/marked@scalar/f32/n=64/t2/warm"), HasSubstr("first half"),
                    HasSubstr("second half"), HasSubstr("No hardware counters: --counters none.")));
}

TEST_F(ProfileCommand, SaysInASentenceWhyNothingIsCounted) {
  const Finished done = profile({"--counters", "fake", "--audit"});
  EXPECT_EQ(done.exit_code, 0);
  EXPECT_THAT(done.out, AllOf(HasSubstr("No hardware counters: the fake counts nothing today."),
                              HasSubstr("No audit of the byte models: the fake counts nothing")));
}

TEST_F(ProfileCommand, PrintsAndAuditsWhatIsCounted) {
  const Finished done = profile({"--counters", "fake", "--audit"}, {{"SB_FAKE_COUNTERS", "1"}});
  EXPECT_THAT(done.out, AllOf(HasSubstr("counted by fake: cycles 1000, instructions 2000"),
                              HasSubstr("2.00 instructions per cycle"), HasSubstr("memory_bytes"),
                              Not(HasSubstr("No hardware counters"))));
}

TEST_F(ProfileCommand, TheOwnCountersOfThisMachineCountOrSayWhyNot) {
  const Finished done = profile({"--counters", "perf_event"});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  if (done.out.find("No hardware counters: ") == std::string::npos) {
    EXPECT_THAT(done.out, HasSubstr("counted by perf_event: cycles"));
  }
}

TEST_F(ProfileCommand, WritesATraceOfThreadsAndPhases) {
  ASSERT_EQ(profile({"--counters", "none", "--trace", "t.json"}).exit_code, 0);
  int cases = 0, phases = 0;
  const auto trace = nlohmann::json::parse(space_.read("t.json"));
  for (const auto& event : trace.at("traceEvents")) {
    cases += event.value("cat", "") == "case";
    phases += event.value("cat", "") == "phase";
  }
  EXPECT_EQ(cases, 2);
  EXPECT_EQ(phases, 4);
}

TEST_F(ProfileCommand, RefusesATraceThatCannotBeWrittenBeforeItMeasures) {
  const Finished done = profile({"--trace", "absent/t.json"});
  EXPECT_EQ(done.exit_code, 2);
  EXPECT_THAT(done.err, HasSubstr("absent/t.json"));
  EXPECT_EQ(done.out, "");
}

TEST_F(ProfileCommand, NamesTheCountersItKnows) {
  const Finished done = profile({"--counters", "magic"});
  EXPECT_EQ(done.exit_code, 2);
  EXPECT_THAT(done.err, AllOf(HasSubstr("magic"), HasSubstr("auto, fake, none, perf_event")));
}

TEST_F(ProfileCommand, AWrongAnswerIsNotProfiled) {
  const Finished done = profile({"--variants", "wrong,throws", "--counters", "none"});
  EXPECT_EQ(done.exit_code, 3);
  EXPECT_THAT(done.out, AllOf(HasSubstr("incorrect: "), HasSubstr("crashed: out of luck"),
                              Not(HasSubstr("phase"))));
}

#ifdef SB_NVTX_RECORDER
class NvtxRanges : public ProfileCommand {
 protected:
  std::string seen(const std::vector<std::string>& arguments) const {
    const Finished done =
        space_.run(arguments, {{"NVTX_INJECTION64_PATH", SB_NVTX_RECORDER},
                               {"SB_NVTX_LOG", space_.path("nvtx.log").string()}});
    EXPECT_EQ(done.exit_code, 0) << done.err;
    return space_.read("nvtx.log");
  }
};

TEST_F(NvtxRanges, ProfilePutsPhasesIntoTheCase) {
  EXPECT_THAT(seen({"profile", "w.yaml", "--threads", "1", "--counters", "none"}),
              HasSubstr("domain softmax-bench\n"
                        "push w/twice/marked@scalar/f32/n=64/t1/warm\n"
                        "push first half\npop\npush second half\npop\npop\n"));
}

TEST_F(NvtxRanges, RunMarksVerificationSamplesAndPhases) {
  const std::string log =
      seen({"run", "w.yaml", "--threads", "1", "--csv", "r.csv", "--quick", "--quiet"});
  EXPECT_THAT(log,
              AllOf(HasSubstr("push verify w/twice/marked@scalar/f32/n=64/t1/warm\n"),
                    HasSubstr("push w/twice/marked@scalar/f32/n=64/t1/warm\npush first half")));
  int depth = 0;
  std::istringstream lines(log);
  for (std::string line; std::getline(lines, line);) {
    depth += line.starts_with("push") ? 1 : line == "pop" ? -1 : 0;
    ASSERT_GE(depth, 0);
  }
  EXPECT_EQ(depth, 0);
}
#else
TEST(NvtxRanges, NeedTheNvtxHeaders) {
  GTEST_SKIP() << "built without NVTX headers; scripts/bootstrap fetches them";
}
#endif

}  // namespace
}  // namespace sb
