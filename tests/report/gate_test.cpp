// The gate from end to end, with fake builds instead of processes and made-up times.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <random>

#include "measure/gate.h"
#include "report/gate_report.h"

namespace sb {
namespace {

using ::testing::HasSubstr;

constexpr const char* kA = "w/softmax/a@avx2/f32/cols=1024;rows=1/t1/warm";
constexpr const char* kB = "w/softmax/b@avx2/f32/cols=1024;rows=1/t1/warm";

struct FakeCase {
  double ns = 1000;  // of a call
  std::string skipped;
  std::string fault;       // what prepare() says
  int dies_at_sample = 0;  // the process dies on its n-th sample of this case; 0: never
};

// A build: its cases, and how much each launch of it is off (launch-to-launch spread).
struct FakeBuild {
  std::map<std::string, FakeCase> cases;
  std::string without_gpu;  // why it knows nothing of one
  std::vector<double> launch_factor = {1};
  int launches = 0;
};

struct Log {
  std::string order;  // who was sampled, one letter each: b or h
  std::vector<bool> verified;
};

class FakeLaunch final : public GateLaunch {
 public:
  FakeLaunch(FakeBuild& build, char letter, Log& log) : build_(build), letter_(letter), log_(log) {
    const auto n = static_cast<std::size_t>(build_.launches++);
    factor_ = build_.launch_factor[n % build_.launch_factor.size()];
    for (const auto& [name, c] : build_.cases) names_.push_back(name);
  }

  std::vector<GateGroup> plan() override {
    GateGroup group;
    group.min_time_s = 1e-5;
    for (const auto& [name, c] : build_.cases) {
      const bool on_gpu = name.find("@cuda") != std::string::npos;
      group.cases.push_back({name, c.skipped, on_gpu ? Device::kCuda : Device::kCpu});
    }
    return {group};
  }
  std::string why_without(Device device) override {
    return device == Device::kCuda ? build_.without_gpu : "";
  }

  std::vector<std::string> prepare(std::size_t, const std::vector<std::size_t>& cases,
                                   bool verify) override {
    log_.verified.push_back(verify);
    std::vector<std::string> faults;
    for (const std::size_t i : cases) faults.push_back(build_.cases[names_[i]].fault);
    return faults;
  }

  double sample_ns(std::size_t i, std::int64_t iterations) override {
    log_.order += letter_;
    FakeCase& c = build_.cases[names_[i]];
    if (c.dies_at_sample > 0 && --c.dies_at_sample == 0) throw LaunchDied("signal 11");
    return c.ns * factor_ * static_cast<double>(iterations);
  }

 private:
  FakeBuild& build_;
  char letter_;
  Log& log_;
  double factor_ = 1;
  std::vector<std::string> names_;
};

class Gate : public ::testing::Test {
 protected:
  FakeBuild base_{{{kA, {}}, {kB, {}}}};
  FakeBuild head_{{{kA, {}}, {kB, {}}}};
  Log log_;
  GatePolicy policy_;
  std::vector<GateEvidence> evidence_;
  Comparison comparison_;

  GateOptions options() {
    GateOptions options;
    options.policy = policy_;
    options.pairs = policy_.launch_pairs;
    options.launch = [this](Side side) -> std::unique_ptr<GateLaunch> {
      if (side == Side::kBase) return std::make_unique<FakeLaunch>(base_, 'b', log_);
      return std::make_unique<FakeLaunch>(head_, 'h', log_);
    };
    return options;
  }

  static GateEvidence evidence_of(const GateRow& row) {
    const Interval interval = row.interval(row.rerun ? 0.999 : 0.95);
    GateEvidence e;
    e.name = row.name;
    e.ratio = {interval.estimate, interval.lo, interval.hi};
    e.pairs = static_cast<int>(row.log_ratios.size());
    e.coverage = interval.coverage;
    if (e.pairs > 0) {
      e.base_ns = median(row.base_ns);
      e.head_ns = median(row.head_ns);
    }
    e.base_fault = row.base_fault;
    e.head_fault = row.head_fault;
    e.rerun = row.rerun;
    return e;
  }

  int run() {
    const auto flagged = [this](const GateRow& row) {
      const GateEvidence e = evidence_of(row);
      return judge_evidence(e, threshold_of(policy_, e.name)).verdict == Verdict::kSlower;
    };
    evidence_.clear();
    for (const GateRow& row : run_gate_and_confirm(options(), flagged).rows) {
      evidence_.push_back(evidence_of(row));
    }
    comparison_ = gate_comparison(evidence_, policy_);
    return gate_exit_code(comparison_, evidence_, parse_fail_on("slower,missing"));
  }

  Verdict verdict(const std::string& name) const {
    for (const auto& entry : comparison_.entries) {
      if (entry.name == name) return entry.judgement.verdict;
    }
    ADD_FAILURE() << "no row " << name;
    return Verdict::kUncompared;
  }
};

TEST_F(Gate, PassesTheSameBuildTwice) {
  EXPECT_EQ(run(), 0);
  EXPECT_EQ(verdict(kA), Verdict::kSame);
  EXPECT_EQ(base_.launches, 10);
  EXPECT_EQ(head_.launches, 10);
}

TEST_F(Gate, FailsOnASlowdownAndConfirmsItWithTwentyFurtherPairs) {
  head_.cases[kA].ns = 1050;
  EXPECT_EQ(run(), 1);
  EXPECT_EQ(verdict(kA), Verdict::kSlower);
  EXPECT_EQ(verdict(kB), Verdict::kSame);
  EXPECT_EQ(base_.launches, 30);
  EXPECT_TRUE(evidence_[0].rerun);
  EXPECT_EQ(evidence_[0].pairs, 20);
  EXPECT_FALSE(evidence_[1].rerun);
  EXPECT_GT(evidence_[0].coverage, 0.999);
  EXPECT_THAT(comparison_.entries[0].judgement.reason, HasSubstr("confirmed by 20"));
}

TEST_F(Gate, DropsAnAlarmThatFurtherPairsDoNotConfirm) {
  head_.launch_factor.assign(30, 1.0);
  std::fill_n(head_.launch_factor.begin(), 10, 1.06);  // the first ten launches had bad luck
  EXPECT_EQ(run(), 0);
  EXPECT_EQ(verdict(kA), Verdict::kSame);
  EXPECT_THAT(comparison_.entries[0].judgement.reason, HasSubstr("not confirmed"));
}

TEST_F(Gate, SaysFasterAndPasses) {
  head_.cases[kA].ns = 900;
  EXPECT_EQ(run(), 0);
  EXPECT_EQ(verdict(kA), Verdict::kFaster);
}

TEST_F(Gate, IsAmbiguousWhenLaunchesScatterAndDoesNotFail) {
  head_.launch_factor = {0.9, 1.1, 0.92, 1.08, 0.95, 1.12, 0.9, 1.1, 0.93, 1.05};
  EXPECT_EQ(run(), 0);
  EXPECT_EQ(verdict(kA), Verdict::kAmbiguous);
}

TEST_F(Gate, TakesTheLaunchAsTheUnitOfReplication) {
  // Each launch is off by its own amount, however often it is sampled: more rounds must not narrow
  // the interval.
  head_.launch_factor = {0.98, 1.02, 0.97, 1.03, 0.99, 1.01, 0.96, 1.04, 0.98, 1.02};
  policy_.rounds = 8;
  run();
  const LogRatio few = evidence_[0].ratio;
  head_.launches = base_.launches = 0;
  policy_.rounds = 64;
  run();
  EXPECT_NEAR(evidence_[0].ratio.hi - evidence_[0].ratio.lo, few.hi - few.lo, 1e-12);
}

TEST_F(Gate, CountsACaseThatTheHeadLacksAsMissing) {
  head_.cases.erase(kB);
  EXPECT_EQ(run(), 1);
  EXPECT_EQ(verdict(kB), Verdict::kMissing);
}

TEST_F(Gate, CallsACaseThatOnlyTheHeadHasNew) {
  base_.cases.erase(kB);
  EXPECT_EQ(run(), 0);
  EXPECT_EQ(verdict(kB), Verdict::kNew);
}

TEST_F(Gate, ComparesNothingWhereOneBuildLacksTheDeviceAndLosesNoOtherRow) {
  const std::string on_gpu = "w/softmax/a@cuda/f32/cols=1024;rows=1/t1/warm";
  for (const bool base_lacks : {true, false}) {
    base_ = head_ = {{{kA, {}}, {kB, {}}, {on_gpu, {}}}};
    FakeBuild& lacking = base_lacks ? base_ : head_;
    lacking.cases.erase(on_gpu);
    lacking.without_gpu = "this build has no code for it";
    EXPECT_EQ(run(), 0);
    EXPECT_EQ(verdict(on_gpu), Verdict::kUncompared);
    EXPECT_EQ(verdict(kA), Verdict::kSame);
    EXPECT_EQ(verdict(kB), Verdict::kSame);
  }
}

TEST_F(Gate, CountsAGpuCaseAsMissingWhereTheBuildHasOthersOfTheDevice) {
  base_.cases["w/softmax/a@cuda/f32/cols=1024;rows=1/t1/warm"] = {};
  EXPECT_EQ(run(), 1);
}

TEST_F(Gate, ExitsThreeWhenTheHeadIsWrongWhereTheBaseIsRight) {
  head_.cases[kA].fault = "incorrect: y[3] = 1, expected 0.5";
  EXPECT_EQ(run(), 3);
  EXPECT_EQ(verdict(kA), Verdict::kMissing);
  base_.cases[kA].fault = "incorrect: y[3] = 1, expected 0.5";
  base_.launches = head_.launches = 0;
  EXPECT_EQ(run(), 0) << "it was wrong before: no regression";
  EXPECT_EQ(verdict(kA), Verdict::kUncompared);
}

TEST_F(Gate, ExitsFourWhenTheHeadCrashesAndKeepsTheOtherRows) {
  head_.cases[kA].dies_at_sample = 5;
  EXPECT_EQ(run(), 4);
  EXPECT_EQ(verdict(kA), Verdict::kMissing);
  EXPECT_THAT(comparison_.entries[0].judgement.reason, HasSubstr("signal 11"));
  EXPECT_EQ(verdict(kB), Verdict::kSame);
  EXPECT_EQ(evidence_[1].pairs, 10) << "the pair that died was played again";
}

TEST_F(Gate, ExitsSeventySevenWhenNothingCanRun) {
  for (FakeBuild* build : {&base_, &head_}) {
    for (auto& [name, c] : build->cases) c.skipped = "needs avx512";
  }
  EXPECT_EQ(run(), 77);
  EXPECT_EQ(verdict(kA), Verdict::kUncompared);
}

TEST_F(Gate, LeavesIgnoredRowsOutOfTheExitCode) {
  policy_.ignore = {{"*/a@*", "known to wander"}};
  head_.cases[kA].ns = 2000;
  EXPECT_EQ(run(), 0);
  head_.cases[kA].fault = "incorrect: all of it";
  base_.launches = head_.launches = 0;
  EXPECT_EQ(run(), 0);
}

TEST_F(Gate, NeedsSixPairsForAnInterval) {
  head_.cases[kA].ns = 2000;
  policy_.launch_pairs = 5;
  EXPECT_EQ(run(), 0);
  EXPECT_EQ(verdict(kA), Verdict::kAmbiguous);
  EXPECT_THAT(comparison_.entries[0].judgement.reason, HasSubstr("too few"));
}

TEST_F(Gate, AlternatesWhichBuildStartsWithinAndAcrossPairs) {
  base_.cases.erase(kB);
  head_.cases.erase(kB);
  policy_.rounds = 4;
  policy_.launch_pairs = 6;
  base_.cases[kA].ns = head_.cases[kA].ns = 1e6;  // one call fills min_time: no calibration steps
  run();
  // The first pair: one call to calibrate, one each to warm up, then ABBA from the base.
  EXPECT_EQ(log_.order.substr(0, 11),
            "b"
            "bh"
            "bhhbbhhb");
  EXPECT_EQ(log_.order.substr(11, 10),
            "bh"
            "hbbhhbbh");
}

TEST_F(Gate, VerifiesInTheFirstPairOnly) {
  run();
  ASSERT_EQ(log_.verified.size(), 20u);
  EXPECT_TRUE(log_.verified[0]);
  EXPECT_TRUE(log_.verified[1]);
  EXPECT_EQ(std::count(log_.verified.begin(), log_.verified.end(), true), 2);
}

TEST_F(Gate, CancelsALinearDriftWithinAPair) {
  // Time grows by one per mille from sample to sample on either side.
  class Drifting final : public GateLaunch {
   public:
    explicit Drifting(double& clock) : clock_(clock) {}
    std::vector<GateGroup> plan() override { return {{{{kA, ""}}, 1e-9}}; }
    std::vector<std::string> prepare(std::size_t, const std::vector<std::size_t>&, bool) override {
      return {""};
    }
    double sample_ns(std::size_t, std::int64_t n) override {
      clock_ *= 1.001;
      return clock_ * static_cast<double>(n);
    }

   private:
    double& clock_;
  };
  double clock = 1000;
  GateOptions drifting = options();
  drifting.launch = [&](Side) { return std::make_unique<Drifting>(clock); };
  for (const GateRow& row : run_gate(drifting).rows) {
    EXPECT_NEAR(row.interval(0.95).estimate, 0, 1e-12);
  }
}

TEST_F(Gate, CanPlantWorkIntoTheHeadForAStudy) {
  GateOptions planted = options();
  planted.planted = 0.05;
  const GateRun result = run_gate(planted);
  EXPECT_GE(result.rows[0].iterations, 20);
  EXPECT_NEAR(std::expm1(result.rows[0].interval(0.95).estimate), 0.05, 0.02);
}

TEST_F(Gate, StopsWhenToldAndKeepsNoHalfPair) {
  std::atomic<bool> stop = false;
  GateOptions stopping = options();
  stopping.stop = &stop;
  stopping.on_progress = [&](int pair, int, const std::string&) { stop = pair == 3; };
  const GateRun result = run_gate(stopping);
  EXPECT_TRUE(result.interrupted);
  EXPECT_EQ(result.rows[0].log_ratios.size(), 3u);
}

// The promise of the house plan, on the rule itself: identical builds whose launches spread.
TEST_F(Gate, RaisesFewAlarmsOnIdenticalBuildsWithTwoPerCentLaunchSpread) {
  std::mt19937 random(1);
  std::normal_distribution<double> launch(1, 0.02);
  int alarms = 0, rows = 0;
  for (int trial = 0; trial < 200; ++trial) {
    for (FakeBuild* build : {&base_, &head_}) {
      build->launches = 0;
      build->launch_factor.clear();
      for (int i = 0; i < 30; ++i) build->launch_factor.push_back(launch(random));
    }
    run();
    for (const auto& entry : comparison_.entries) {
      ++rows;
      alarms += entry.judgement.verdict == Verdict::kSlower ? 1 : 0;
    }
  }
  EXPECT_EQ(alarms, 0) << "of " << rows;
}

TEST_F(Gate, WritesAVerdictFileThatSaysWhatTheExitCodeSays) {
  head_.cases[kA].ns = 1200;
  const int code = run();
  const auto json = nlohmann::json::parse(gate_verdict_json(comparison_, evidence_, code));
  EXPECT_EQ(json["exit_code"], 1);
  EXPECT_EQ(json["counts"]["SLOWER"], 1);
  EXPECT_EQ(json["rows"][0]["launch_pairs"], 20);
  EXPECT_TRUE(json["rows"][0]["rerun"]);
  EXPECT_NEAR(json["rows"][0]["ratio"].get<double>(), 1.2, 1e-9);
}

TEST_F(Gate, WritesJUnitWithAFailurePerRegression) {
  head_.cases[kA].ns = 1200;
  run();
  const std::string xml = gate_junit(comparison_);
  EXPECT_THAT(xml, HasSubstr("tests=\"2\" failures=\"1\" skipped=\"0\""));
  EXPECT_THAT(xml, HasSubstr("<failure message=\"SLOWER: +20.0 %"));
  EXPECT_THAT(xml, HasSubstr("classname=\"w/softmax\""));
}

}  // namespace
}  // namespace sb
