#include "report/claims.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "report/csv_text.h"

namespace sb {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Claim claim_of(const std::string& metric, const std::string& relation, double value) {
  Claim claim;
  claim.id = "c";
  claim.paper = "A paper";
  claim.statement = "contender beats base";
  claim.hardware = "some CPU";
  claim.hardware_class = "cpu";
  claim.contender.variant = "new";
  claim.baseline.variant = "old";
  claim.strongest.variant = "best_other";
  claim.metric = metric;
  claim.relation = relation;
  claim.value = value;
  claim.run = {{"", "softmax", {}, {}}};
  return claim;
}

Row claim_row(const std::string& variant, double time_ns, const std::string& cols = "1024",
              double half_width = 0.01) {
  Row row;
  row.workload = "w";
  row.op = "softmax";
  row.variant = variant;
  row.isa = "avx2";
  row.device = "cpu";
  row.dtype = "f32";
  row.params = "cols=" + cols + ";rows=1";
  row.threads = 1;
  row.cache = "warm";
  row.status = "ok";
  row.time_median_ns = time_ns;
  row.time_lo_ns = time_ns * (1 - half_width);
  row.time_hi_ns = time_ns * (1 + half_width);
  row.bytes_compulsory = 8192;
  row.workspace_bytes = 0;
  return row;
}

ClaimResult judge_rows(const Claim& claim, std::vector<Row> rows, const ClaimPlace& place = {}) {
  ClaimEvidence evidence;
  evidence.rows = std::move(rows);
  return judge_claim(claim, evidence, place);
}

ClaimVerdict bound(const Claim& claim, double lo, double hi) {
  return judge_bound(claim, {(lo + hi) / 2, lo, hi});
}

TEST(JudgeBound, MeetsAnAtLeastOnlyWithTheWholeInterval) {
  const Claim claim = claim_of("speedup", ">=", 2);
  EXPECT_EQ(bound(claim, 2.0, 2.1), ClaimVerdict::kConfirmed);
  EXPECT_EQ(bound(claim, 1.9, 2.1), ClaimVerdict::kInconclusive);
  EXPECT_EQ(bound(claim, 1.8, 1.99), ClaimVerdict::kRefutedHere);
  EXPECT_EQ(bound(claim, 2.3, 2.5), ClaimVerdict::kExceeded);
}

TEST(JudgeBound, TakesAnAtMostOfASpeedUpAsTheUpperEndOfARange) {
  const Claim claim = claim_of("speedup", "<=", 3);
  EXPECT_EQ(bound(claim, 1.5, 2.9), ClaimVerdict::kConfirmed);
  EXPECT_EQ(bound(claim, 2.9, 3.1), ClaimVerdict::kInconclusive);
  EXPECT_EQ(bound(claim, 3.1, 3.5), ClaimVerdict::kExceeded);
}

TEST(JudgeBound, RefutesAnAtMostOfACostThatIsPassed) {
  const Claim claim = claim_of("slowdown", "<=", 1.5);
  EXPECT_EQ(bound(claim, 1.6, 1.7), ClaimVerdict::kRefutedHere);
  EXPECT_EQ(bound(claim, 1.4, 1.45), ClaimVerdict::kConfirmed);
  EXPECT_EQ(bound(claim, 1.0, 1.1), ClaimVerdict::kExceeded);
}

TEST(JudgeBound, TakesAboutAsABandWhoseBoundsNoIntervalMayStraddle) {
  const Claim gain = claim_of("speedup", "~", 2);
  EXPECT_EQ(bound(gain, 1.81, 2.19), ClaimVerdict::kConfirmed);
  EXPECT_EQ(bound(gain, 2.1, 2.3), ClaimVerdict::kInconclusive) << "over the better end";
  EXPECT_EQ(bound(gain, 1.7, 1.9), ClaimVerdict::kInconclusive) << "over the worse end";
  EXPECT_EQ(bound(gain, 2.3, 2.4), ClaimVerdict::kExceeded);
  EXPECT_EQ(bound(gain, 1.5, 1.7), ClaimVerdict::kRefutedHere);
  const Claim cost = claim_of("slowdown", "~", 2);
  EXPECT_EQ(bound(cost, 2.3, 2.4), ClaimVerdict::kRefutedHere);
  EXPECT_EQ(bound(cost, 2.1, 2.3), ClaimVerdict::kInconclusive);
  EXPECT_EQ(bound(cost, 1.7, 1.9), ClaimVerdict::kInconclusive);
  EXPECT_EQ(bound(cost, 1.5, 1.7), ClaimVerdict::kExceeded);
}

TEST(JudgeBound, GivesAClaimOfZeroAnAbsoluteBand) {
  const Claim claim = claim_of("error", "~", 0);
  EXPECT_EQ(bound(claim, 0, 0.05), ClaimVerdict::kConfirmed);
  EXPECT_EQ(bound(claim, 0.5, 0.6), ClaimVerdict::kRefutedHere);
}

TEST(JudgeSign, ComparesDirectionsAndNeverSizes) {
  const Claim claim = claim_of("speedup", "~", 8);
  EXPECT_EQ(judge_sign(claim, {1.1, 1.05, 1.15}), "sign agrees");
  EXPECT_EQ(judge_sign(claim, {0.9, 0.85, 0.95}), "sign contradicts");
  EXPECT_THAT(judge_sign(claim, {1.0, 0.9, 1.1}), HasSubstr("undecided"));
  EXPECT_EQ(judge_sign(claim_of("slowdown", "<=", 0.8), {0.9, 0.85, 0.95}), "sign agrees");
  EXPECT_EQ(judge_sign(claim_of("share_of_peak", "~", 0.7), {0.5, 0.4, 0.6}), "");
}

TEST(JudgeClaim, DividesBaselineByContenderAndWidensUnpairedIntervals) {
  const ClaimResult result =
      judge_rows(claim_of("speedup", ">=", 1.5), {claim_row("old", 200), claim_row("new", 100)});
  EXPECT_EQ(result.verdict, ClaimVerdict::kExceeded);
  EXPECT_DOUBLE_EQ(result.measured->value, 2);
  EXPECT_NEAR(result.measured->lo, 198.0 / 101, 1e-12);
  EXPECT_NEAR(result.measured->hi, 202.0 / 99, 1e-12);
  EXPECT_FALSE(result.measured->paired);
}

TEST(JudgeClaim, PrefersThePairedRatioOfTheRow) {
  Row fresh = claim_row("new", 100);
  fresh.baseline = "old@avx2";
  fresh.speedup = 1.9;
  fresh.speedup_lo = 1.85;
  fresh.speedup_hi = 1.95;
  const ClaimResult result =
      judge_rows(claim_of("speedup", ">=", 1.5), {claim_row("old", 200), fresh});
  EXPECT_DOUBLE_EQ(result.measured->value, 1.9);
  EXPECT_TRUE(result.measured->paired);
}

TEST(JudgeClaim, TakesTheFastestOfSeveralBaselinesAndShowsTheStrongestOther) {
  Claim claim = claim_of("speedup", "~", 1.2);
  claim.baseline.variant = "old_*";
  const ClaimResult result = judge_rows(claim, {claim_row("old_a", 200), claim_row("old_b", 120),
                                                claim_row("new", 100), claim_row("best", 90)});
  EXPECT_EQ(result.baseline, "old_b@avx2");
  EXPECT_EQ(result.strongest, "best@avx2");
  EXPECT_NEAR(result.against_strongest->value, 0.9, 1e-12);
}

TEST(JudgeClaim, NeverComparesRowsOfDifferentPoints) {
  const ClaimResult result = judge_rows(
      claim_of("speedup", ">=", 1), {claim_row("old", 200, "64"), claim_row("new", 100, "1024")});
  EXPECT_EQ(result.verdict, ClaimVerdict::kNotRun);
  EXPECT_THAT(result.reason, HasSubstr("no pair"));
}

TEST(JudgeClaim, PicksTheBestOrWorstPointAsTheClaimSays) {
  const std::vector<Row> rows = {claim_row("old", 200, "64"), claim_row("new", 100, "64"),
                                 claim_row("old", 200, "128"), claim_row("new", 150, "128")};
  Claim claim = claim_of("speedup", "~", 2);
  EXPECT_NEAR(judge_rows(claim, rows).measured->value, 2, 1e-12);
  claim.across = "worst";
  EXPECT_NEAR(judge_rows(claim, rows).measured->value, 4.0 / 3, 1e-12);
}

TEST(JudgeClaim, TakesOnlyRowsOfTheClaimsOwnWorkload) {
  Claim claim = claim_of("speedup", ">=", 1);
  claim.run[0].values["cols"] = {"64"};
  const ClaimResult result = judge_rows(claim, {claim_row("old", 200), claim_row("new", 100)});
  EXPECT_EQ(result.verdict, ClaimVerdict::kNotRun);
  EXPECT_THAT(result.reason, HasSubstr("--run"));
}

TEST(JudgeClaim, TakesNoEvidenceFromImplausibleRows) {
  Row implausible = claim_row("new", 1);
  implausible.status = "implausible";
  const ClaimResult result =
      judge_rows(claim_of("speedup", ">=", 1), {claim_row("old", 200), implausible});
  EXPECT_EQ(result.verdict, ClaimVerdict::kNotRun);
  EXPECT_THAT(result.reason, HasSubstr("implausible"));
}

TEST(JudgeClaim, IsNotComparableWhenAPreconditionIsUnmetAndNamesIt) {
  Claim claim = claim_of("speedup", ">=", 1);
  claim.needs.cache = {"cold"};
  const std::vector<Row> rows = {claim_row("old", 200), claim_row("new", 100)};
  EXPECT_EQ(judge_rows(claim, rows).verdict, ClaimVerdict::kNotComparable);
  EXPECT_THAT(judge_rows(claim, rows).reason, HasSubstr("cache state must be cold, is warm"));
  claim.needs = {};
  claim.needs.threads = 2;
  EXPECT_THAT(judge_rows(claim, rows).reason, HasSubstr("threads must be 2"));
  claim.needs = {};
  claim.needs.range["cols"] = {2048, 4096};
  EXPECT_THAT(judge_rows(claim, rows).reason, HasSubstr("cols must lie in"));
}

TEST(JudgeClaim, KnowsWhatIsOutOfCacheOnlyWhereItKnowsTheCache) {
  Claim claim = claim_of("speedup", ">=", 1);
  claim.needs.out_of_cache = true;
  const std::vector<Row> rows = {claim_row("old", 200), claim_row("new", 100)};
  ClaimPlace place;
  EXPECT_EQ(judge_rows(claim, rows, place).verdict, ClaimVerdict::kNotComparable);
  place.last_level_bytes = 16384;
  EXPECT_EQ(judge_rows(claim, rows, place).verdict, ClaimVerdict::kNotComparable);
  place.last_level_bytes = 4096;
  EXPECT_EQ(judge_rows(claim, rows, place).verdict, ClaimVerdict::kExceeded);
}

TEST(JudgeClaim, TestsOnlyTheDirectionOnOtherHardware) {
  Claim claim = claim_of("speedup", "~", 8);
  claim.hardware_class = "gpu";
  const ClaimResult result = judge_rows(claim, {claim_row("old", 200), claim_row("new", 100)});
  EXPECT_EQ(result.verdict, ClaimVerdict::kDirectionOnly);
  EXPECT_THAT(result.reason, HasSubstr("sign agrees"));
  EXPECT_NEAR(result.measured->value, 2, 1e-12);
  claim.metric = "throughput";
  EXPECT_EQ(judge_rows(claim, {claim_row("old", 200), claim_row("new", 100)}).verdict,
            ClaimVerdict::kNotComparable);
}

TEST(JudgeClaim, SumsForwardAndBackwardWhenTheClaimIsAboutBoth) {
  Claim claim = claim_of("speedup", "~", 2);
  claim.together = true;
  claim.run = {{"", "softmax", {}, {}}, {"", "softmax_backward", {}, {}}};
  const auto backward = [](const std::string& variant, double ns) {
    Row row = claim_row(variant, ns);
    row.op = "softmax_backward";
    row.workload = "w2";
    return row;
  };
  const ClaimResult both = judge_rows(claim, {claim_row("old", 100), claim_row("new", 100),
                                              backward("old", 500), backward("new", 200)});
  EXPECT_NEAR(both.measured->value, 2, 1e-12);
  const ClaimResult half = judge_rows(claim, {claim_row("old", 100), claim_row("new", 100)});
  EXPECT_EQ(half.verdict, ClaimVerdict::kNotRun);
}

TEST(JudgeClaim, ComparesTheSameKernelUnderTwoSettings) {
  Claim claim = claim_of("speedup", ">=", 1.7);
  claim.contender.params["cols"] = "64";
  claim.baseline.variant = "new";
  claim.baseline.params["cols"] = "128";
  const ClaimResult result =
      judge_rows(claim, {claim_row("new", 100, "64"), claim_row("new", 190, "128")});
  EXPECT_NEAR(result.measured->value, 1.9, 1e-12);
}

TEST(JudgeClaim, CountsOperandsAndWorkspaceInAMemoryRatio) {
  Row old = claim_row("old", 1);
  old.workspace_bytes = 8192 * 3;
  const ClaimResult result =
      judge_rows(claim_of("memory_ratio", "~", 4), {old, claim_row("new", 1)});
  EXPECT_DOUBLE_EQ(result.measured->value, 4);
  EXPECT_EQ(result.verdict, ClaimVerdict::kConfirmed);
}

TEST(JudgeClaim, TakesErrorRatiosFromMetricsByName) {
  Claim claim = claim_of("error_ratio", ">=", 50);
  claim.figure = "mean_error";
  ClaimEvidence evidence;
  evidence.rows = {claim_row("old", 1), claim_row("new", 1)};
  EXPECT_EQ(judge_claim(claim, evidence, {}).verdict, ClaimVerdict::kNotComparable);
  evidence.metrics[identity_of(evidence.rows[0])] = {{"mean_error", 1e-3}};
  evidence.metrics[identity_of(evidence.rows[1])] = {{"mean_error", 1e-5}};
  EXPECT_NEAR(judge_claim(claim, evidence, {}).measured->value, 100, 1e-9);
}

TEST(JudgeClaim, FitsTheSlopeOfAPowerLawExactly) {
  Claim claim = claim_of("slope", "<=", 1.15);
  claim.axis = "cols";
  claim.baseline = {};
  std::vector<Row> rows;
  for (const int n : {64, 128, 256, 512}) {
    rows.push_back(claim_row("new", 3 * std::pow(n, 2.0), std::to_string(n)));
  }
  const ClaimResult result = judge_rows(claim, rows);
  EXPECT_NEAR(result.measured->value, 2, 1e-9);
  EXPECT_EQ(result.verdict, ClaimVerdict::kRefutedHere);
  rows.resize(2);
  EXPECT_EQ(judge_rows(claim, rows).verdict, ClaimVerdict::kNotComparable);
}

TEST(JudgeClaim, WidensTheIntervalOfASlopeThatDoesNotFit) {
  Claim claim = claim_of("slope", "~", 1);
  claim.axis = "cols";
  claim.baseline = {};
  const ClaimResult result =
      judge_rows(claim, {claim_row("new", 64, "64"), claim_row("new", 160, "128"),
                         claim_row("new", 200, "256"), claim_row("new", 600, "512")});
  EXPECT_LT(result.measured->lo, 0.9);
  EXPECT_GT(result.measured->hi, 1.1);
}

TEST(JudgeClaim, FindsTheSizeFromWhichTheContenderStaysAhead) {
  Claim claim = claim_of("crossover", "~", 256);
  claim.axis = "cols";
  const ClaimResult result =
      judge_rows(claim, {claim_row("old", 100, "64"), claim_row("new", 50, "64"),
                         claim_row("old", 100, "128"), claim_row("new", 150, "128"),
                         claim_row("old", 100, "256"), claim_row("new", 80, "256"),
                         claim_row("old", 100, "512"), claim_row("new", 50, "512")});
  EXPECT_DOUBLE_EQ(result.measured->value, 256);
  EXPECT_EQ(result.verdict, ClaimVerdict::kConfirmed);
}

TEST(JudgeClaim, SaysWhyItWasNotRun) {
  Claim claim = claim_of("speedup", ">=", 1);
  claim.not_testable = "a property of a trained model";
  EXPECT_EQ(judge_rows(claim, {}).reason, claim.not_testable);
  claim.not_testable.clear();
  ClaimPlace place;
  place.why_no_variant = [](const std::string& op, const std::string& glob) {
    return glob == "old" ? "no variant of " + op + " is called old" : "";
  };
  EXPECT_THAT(judge_rows(claim, {}, place).reason, HasSubstr("is called old"));
  place.why_no_cuda = "no driver";
  claim.run_cuda = claim.run;
  claim.run.clear();
  EXPECT_THAT(judge_rows(claim, {}, place).reason, HasSubstr("needs a CUDA device: no driver"));
  EXPECT_EQ(judge_rows(claim, {}, place).verdict, ClaimVerdict::kNotRun);
}

class ClaimsReport : public ::testing::Test {
 protected:
  void SetUp() override {
    claims_ = {claim_of("speedup", ">=", 1.5), claim_of("speedup", ">=", 1.5)};
    claims_[1].id = "other <tag> | pipe";
    claims_[1].paper = "Another, \"quoted\"";
    claims_[1].not_testable = "needs a model";
    ClaimEvidence evidence;
    evidence.rows = {claim_row("old", 200), claim_row("new", 100)};
    place_.hardware = "this CPU";
    results_ = judge_claims(claims_, evidence, place_);
  }
  std::vector<Claim> claims_;
  std::vector<ClaimResult> results_;
  ClaimPlace place_;
};

TEST_F(ClaimsReport, BeginsWithVerdictsCountedByPaper) {
  const std::string text = claims_text(results_, place_);
  EXPECT_EQ(text.rfind("2 claims of 2 papers: 1 EXCEEDED, 1 NOT RUN", 0), 0u) << text;
  EXPECT_LT(text.find("A paper: 1 EXCEEDED"), text.find("contender beats base"));
  EXPECT_THAT(text, HasSubstr("this CPU"));
  EXPECT_THAT(text, HasSubstr("some CPU"));
}

TEST_F(ClaimsReport, WritesCsvThatReadsBackWithOneLinePerClaim) {
  const auto records = parse_csv(claims_csv(results_, place_));
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(records[1].fields.size(), records[0].fields.size());
  EXPECT_EQ(records[1].fields[0], "EXCEEDED");
  EXPECT_EQ(records[2].fields[2], "Another, \"quoted\"");
}

TEST_F(ClaimsReport, EscapesWhatMarkdownAndHtmlWouldTakeForTheirOwn) {
  EXPECT_THAT(claims_markdown(results_, place_), HasSubstr("\\| pipe"));
  const std::string html = claims_html(results_, place_);
  EXPECT_THAT(html, HasSubstr("&lt;tag&gt;"));
  EXPECT_THAT(html, Not(HasSubstr("<tag>")));
  EXPECT_THAT(html, Not(HasSubstr("http")));
}

TEST_F(ClaimsReport, ListsForEachClaimWhetherItCanBeTestedHere) {
  const std::string text = claims_list(claims_, place_);
  EXPECT_THAT(text, HasSubstr("2 claims, 1 of them can be tested here"));
  EXPECT_THAT(text, HasSubstr("not here: needs a model"));
  EXPECT_THAT(text, HasSubstr("softmax: new against old; the figure itself is judged"));
}

std::string listed(Claim claim, bool has_cuda_variant = true) {
  ClaimPlace place;
  place.has_cuda_variant = [=](const std::string&, const std::string&) { return has_cuda_variant; };
  return claims_list({std::move(claim)}, place);
}

TEST(ClaimsList, SaysWhatAGpuWouldSettle) {
  Claim claim = claim_of("speedup", "~", 2);
  EXPECT_THAT(listed(claim), HasSubstr("nothing: the claim is about CPUs"));
  claim.hardware_class = "gpu";
  EXPECT_THAT(listed(claim), HasSubstr("direction only: the paper's hardware is a gpu"));
  EXPECT_THAT(listed(claim), HasSubstr("no workload at the paper's sizes"));
  claim.run_cuda = claim.run;
  EXPECT_THAT(listed(claim), HasSubstr("settle: the figure itself, at the paper's sizes"));
  EXPECT_THAT(listed(claim, false), HasSubstr("nothing yet: no CUDA variant of softmax new"));
  claim.not_testable = "needs a model";
  EXPECT_THAT(listed(claim), HasSubstr("settle: nothing: no kernel here"));
}

}  // namespace
}  // namespace sb
