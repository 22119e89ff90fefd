#include "measure/rounds.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace sb {
namespace {

// Takes `ns` per call by a clock of its own and writes its name down at every sample.
class FakeContestant final : public Contestant {
 public:
  FakeContestant(char name, double ns, std::string& log) : name_(name), ns_(ns), log_(log) {}
  double sample_ns(std::int64_t iterations) override {
    log_ += name_;
    if (static_cast<int>(log_.size()) == fail_at) throw std::runtime_error("broke");
    return ns_ * static_cast<double>(iterations);
  }
  int fail_at = -1;

 private:
  char name_;
  double ns_;
  std::string& log_;
};

std::vector<Samples> run_one(const std::vector<Contestant*>& contestants, const RoundsOptions& o) {
  return run_rounds({{contestants, o}}).front();
}

TEST(Rounds, GoForwardThenBackwardSoThatLinearDriftCancels) {
  std::string log;
  FakeContestant a('a', 1e6, log);
  FakeContestant b('b', 1e6, log);
  FakeContestant c('c', 1e6, log);
  run_one({&a, &b, &c}, {.rounds = 3, .min_time_s = 1e-6, .on_round = [&](int) { log += ' '; }});
  EXPECT_EQ(log, " abc abc cba abc");  // one calibrating call each, then the rounds
}

TEST(Rounds, TakeTheSameNumberOfCallsInEverySample) {
  std::string log;
  FakeContestant a('a', 10, log);
  const std::vector<Samples> samples = run_one({&a}, {.rounds = 5, .min_time_s = 1e-3});
  EXPECT_GE(static_cast<double>(samples[0].iterations) * 10, 1e6);
  EXPECT_LE(static_cast<double>(samples[0].iterations) * 10, 1.5e6);
  EXPECT_EQ(samples[0].ns_per_call, std::vector<double>(5, 10.0));
  EXPECT_EQ(samples[0].stop_reason, "rounds");
  EXPECT_GT(samples[0].warmup_ns, 0);
}

TEST(Rounds, GoOnWithoutAContestantThatFails) {
  std::string log;
  FakeContestant a('a', 1e6, log);
  FakeContestant b('b', 1e6, log);
  b.fail_at = 4;
  const std::vector<Samples> samples = run_one({&a, &b}, {.rounds = 3, .min_time_s = 1e-6});
  EXPECT_EQ(samples[0].ns_per_call.size(), 3u);
  EXPECT_EQ(samples[1].ns_per_call.size(), 0u);
  EXPECT_EQ(samples[1].stop_reason, "failed");
  EXPECT_EQ(samples[1].failure, "broke");
}

TEST(Rounds, StopAtTheTimeLimitAndKeepWhatThereIs) {
  std::string log;
  FakeContestant slow('s', 1e9, log);
  const std::vector<Samples> samples =
      run_one({&slow}, {.rounds = 10, .min_time_s = 0.5, .timeout_s = 3.5});
  EXPECT_EQ(samples[0].stop_reason, "timeout");
  EXPECT_EQ(samples[0].ns_per_call.size(), 3u);  // one second of warm-up, then three samples
}

TEST(Rounds, AnInterruptEndsThemBetweenTwoSamples) {
  std::string log;
  FakeContestant a('a', 1e6, log);
  const RoundsOptions options{
      .rounds = 10, .min_time_s = 1e-6, .stopped = [&] { return log.size() >= 4; }};
  EXPECT_EQ(run_one({&a}, options)[0].stop_reason, "interrupted");
  EXPECT_EQ(log, "aaaa");
}

TEST(Rounds, OfSeveralGroupsTakeTurnsForwardThenBackward) {
  std::string log;
  FakeContestant a('a', 1e6, log);
  FakeContestant b('b', 1e6, log);
  FakeContestant c('c', 1e6, log);
  const RoundsOptions options{.rounds = 3, .min_time_s = 1e-6};
  run_rounds({{{&a, &b}, options}, {{&c}, options}});
  EXPECT_EQ(log,
            "abc"
            "abc"
            "cba"
            "abc");  // one calibrating call each, then the rounds
}

TEST(Rounds, LetOthersMeasureAfterEachGroupsRound) {
  std::string log;
  FakeContestant a('a', 1e6, log);
  FakeContestant b('b', 1e6, log);
  const RoundsOptions options{.rounds = 2, .min_time_s = 1e-6};
  run_rounds({{{&a}, options}, {{&b}, options}}, [&] { log += '.'; });
  EXPECT_EQ(log, "aba.b.b.a.");  // one calibrating call each, then the rounds
}

TEST(Rounds, SayWhenEachSampleBegan) {
  std::string log;
  FakeContestant a('a', 1e6, log);
  FakeContestant b('b', 1e6, log);
  const RoundsOptions options{
      .rounds = 3, .min_time_s = 1e-6, .now = [&] { return static_cast<double>(log.size()); }};
  const auto samples = run_rounds({{{&a}, options}, {{&b}, options}});
  EXPECT_EQ(log, "ababbaab");  // one calibrating call each, then the rounds
  EXPECT_EQ(samples[0][0].began_s, (std::vector<double>{2, 5, 6}));
  EXPECT_EQ(samples[1][0].began_s, (std::vector<double>{3, 4, 7}));
}

TEST(Rounds, OfAGroupWithFewAreSpreadOverThoseOfTheOther) {
  std::string log;
  FakeContestant many('m', 1e6, log);
  FakeContestant few('f', 1e6, log);
  std::string rounds;
  const auto samples =
      run_rounds({{{&many}, {.rounds = 6, .min_time_s = 1e-6}},
                  {{&few}, {.rounds = 2, .min_time_s = 1e-6, .on_round = [&](int round) {
                              rounds += std::to_string(round);
                            }}}});
  EXPECT_EQ(log,
            "mf"
            "mmmf"
            "mmfm");  // calibration; then each few after three many
  EXPECT_EQ(rounds, "001");
  EXPECT_EQ(samples[0][0].ns_per_call.size(), 6u);
  EXPECT_EQ(samples[1][0].ns_per_call.size(), 2u);
}

}  // namespace
}  // namespace sb
