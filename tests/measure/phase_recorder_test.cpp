#include "measure/phase_recorder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

namespace sb {
namespace {

using ::testing::SizeIs;

class PhaseRecorderTest : public ::testing::Test {
 protected:
  CaseProfile heard() {
    CaseProfile profile;
    recorder_.take(profile);
    return profile;
  }
  PhaseRecorder recorder_{PhaseRecorder::Clock::now()};
};

TEST_F(PhaseRecorderTest, HearsNothingUnlessItListens) {
  { const Phase phase("unheard"); }
  recorder_.listen();
  { const Phase phase("heard"); }
  recorder_.hush();
  { const Phase phase("unheard"); }
  const CaseProfile profile = heard();
  ASSERT_THAT(profile.phases, SizeIs(1));
  EXPECT_EQ(profile.phases[0].name, "heard");
}

TEST_F(PhaseRecorderTest, AddsUpCallsAndTrafficOfAName) {
  recorder_.listen();
  for (int i = 0; i < 3; ++i) {
    const Phase phase("pass", {.read = 8, .written = 4});
  }
  const CaseProfile profile = heard();
  ASSERT_THAT(profile.phases, SizeIs(1));
  EXPECT_EQ(profile.phases[0].calls, 3);
  EXPECT_EQ(profile.phases[0].traffic.read, 24);
  EXPECT_EQ(profile.phases[0].traffic.written, 12);
  EXPECT_THAT(profile.spans, SizeIs(3));
}

TEST_F(PhaseRecorderTest, AnInnerPhaseIsNoTimeOfTheOuterOneItself) {
  recorder_.listen();
  {
    const Phase outer("outer");
    const Phase inner("inner");
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  const CaseProfile profile = heard();
  ASSERT_THAT(profile.phases, SizeIs(2));
  const PhaseTotal& outer = profile.phases[0];  // it began first
  EXPECT_EQ(outer.name, "outer");
  EXPECT_GE(outer.span_ns, 2e6);
  EXPECT_DOUBLE_EQ(outer.self_ns, outer.span_ns - profile.phases[1].span_ns);
}

TEST_F(PhaseRecorderTest, TellsThreadsApart) {
  recorder_.listen();
  const auto work = [] { const Phase phase("work"); };
  work();
  std::thread(work).join();
  const CaseProfile profile = heard();
  ASSERT_THAT(profile.phases, SizeIs(1));
  EXPECT_EQ(profile.phases[0].threads, 2);
  ASSERT_THAT(profile.spans, SizeIs(2));
  EXPECT_NE(profile.spans[0].thread, profile.spans[1].thread);
}

TEST_F(PhaseRecorderTest, ForgetsWhatWasTaken) {
  recorder_.listen();
  { const Phase phase("once"); }
  heard();
  EXPECT_THAT(heard().phases, SizeIs(0));
}

}  // namespace
}  // namespace sb
