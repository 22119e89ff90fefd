#include "report/compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>

namespace sb {
namespace {

using ::testing::HasSubstr;

Row timed_row(const std::string& variant, double median_ns, double half_width = 0.01) {
  Row row;
  row.run_id = "any";
  row.workload = "w";
  row.op = "softmax";
  row.variant = variant;
  row.isa = "avx2";
  row.device = "cpu";
  row.dtype = "f32";
  row.params = "cols=1024;rows=1";
  row.threads = 1;
  row.cache = "warm";
  row.fill = "normal(0, 4)";
  row.seed = 1;
  row.status = "ok";
  row.host = "machine-a";
  row.time_median_ns = median_ns;
  row.time_lo_ns = median_ns * (1 - half_width);
  row.time_hi_ns = median_ns * (1 + half_width);
  return row;
}

Row without_time(Row row, const std::string& status, const std::string& reason) {
  row.status = status;
  row.reason = reason;
  row.time_median_ns.reset();
  row.time_lo_ns.reset();
  row.time_hi_ns.reset();
  return row;
}

RunRows run_of(const std::string& file, std::vector<Row> rows) {
  RunRows run{file, std::move(rows), {}};
  for (std::size_t i = 0; i < run.rows.size(); ++i)
    run.lines.push_back(static_cast<std::int64_t>(i) + 2);
  return run;
}

Comparison compare_rows(std::vector<Row> base, std::vector<Row> head, CompareOptions options = {}) {
  return compare(run_of("base.csv", std::move(base)), run_of("new.csv", std::move(head)), options);
}

std::string thrown_by(const std::function<void()>& action) {
  try {
    action();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

TEST(Compare, JoinsRowsOnIdentityWhateverTheirOrderAndRun) {
  Row a = timed_row("a", 100), b = timed_row("b", 200);
  Row later = timed_row("a", 110);
  later.run_id = "another";
  const Comparison comparison = compare_rows({a, b}, {timed_row("b", 100), later});
  ASSERT_EQ(comparison.entries.size(), 2u);
  EXPECT_EQ(comparison.entries[0].judgement.verdict, Verdict::kSlower);
  EXPECT_NEAR(std::exp(comparison.entries[0].ratio.estimate), 1.1, 1e-12);
  EXPECT_EQ(comparison.entries[1].judgement.verdict, Verdict::kFaster);
}

TEST(Compare, KeepsCasesApartThatDifferInOneIdentityColumn) {
  for (const Column& column : columns()) {
    if (column.group != "identity" || column.name == "schema_version" || column.name == "run_id") {
      continue;
    }
    Row other = timed_row("a", 100);
    ASSERT_EQ(column.set(other, "77"), "");
    const Comparison comparison = compare_rows({timed_row("a", 100)}, {other});
    EXPECT_EQ(comparison.entries.size(), 2u) << column.name;
  }
}

TEST(Compare, TakesTheWidestRatioTheTwoIntervalsAllow) {
  const LogRatio ratio = ratio_of_rows(timed_row("a", 100, 0.02), timed_row("a", 110, 0.01));
  EXPECT_NEAR(std::exp(ratio.lo), 110 * 0.99 / (100 * 1.02), 1e-12);
  EXPECT_NEAR(std::exp(ratio.hi), 110 * 1.01 / (100 * 0.98), 1e-12);
}

TEST(Compare, IsAmbiguousWhereARowHasNoInterval) {
  Row bare = timed_row("a", 200);
  bare.time_lo_ns.reset();
  EXPECT_EQ(compare_rows({timed_row("a", 100)}, {bare}).entries[0].judgement.verdict,
            Verdict::kAmbiguous);
}

TEST(Compare, CountsARowThatIsGoneAndARowThatCrashedAsMissing) {
  const Row crashed = without_time(timed_row("a", 1), "crashed", "signal 11");
  const Comparison comparison = compare_rows({timed_row("a", 100), timed_row("b", 100)}, {crashed});
  EXPECT_EQ(comparison.count(Verdict::kMissing), 2);
  EXPECT_THAT(comparison.entries[0].judgement.reason, HasSubstr("signal 11"));
}

TEST(Compare, DoesNotBlameTheNewRunForRowsThatNeverHadATime) {
  const Row skipped = without_time(timed_row("a", 1), "skipped", "needs avx512");
  const Comparison comparison =
      compare_rows({skipped, without_time(timed_row("b", 1), "timeout", "")}, {skipped});
  EXPECT_EQ(comparison.count(Verdict::kUncompared), 2);
  EXPECT_FALSE(fails(comparison, parse_fail_on("slower,missing,ambiguous")));
}

TEST(Compare, TakesNoEvidenceFromAnImplausibleRow) {
  Row implausible = timed_row("a", 500);
  implausible.status = "implausible";
  EXPECT_EQ(compare_rows({timed_row("a", 100)}, {implausible}).entries[0].judgement.verdict,
            Verdict::kAmbiguous);
}

TEST(Compare, RefusesTwoMachinesUnlessTold) {
  Row elsewhere = timed_row("a", 100);
  elsewhere.host = "machine-b";
  const std::string error = thrown_by([&] { compare_rows({timed_row("a", 100)}, {elsewhere}); });
  EXPECT_THAT(error, HasSubstr("machine-a"));
  EXPECT_THAT(error, HasSubstr("--across-machines"));
  const Comparison comparison =
      compare_rows({timed_row("a", 100)}, {elsewhere}, {.across_machines = true});
  EXPECT_THAT(to_text(comparison), HasSubstr("machine-b"));
  EXPECT_THAT(to_markdown(comparison), HasSubstr("Across machines"));
}

TEST(Compare, RefusesARunThatMixesMachinesNamingTheLine) {
  Row elsewhere = timed_row("b", 100);
  elsewhere.host = "machine-b";
  const std::string error = thrown_by([&] {
    compare_rows({timed_row("a", 100), elsewhere}, {}, {.across_machines = true});
  });
  EXPECT_THAT(error, HasSubstr("base.csv:3"));
}

TEST(Compare, RefusesDuplicateRowsNamingBothLines) {
  const std::string error = thrown_by([] {
    compare_rows({timed_row("a", 100)}, {timed_row("a", 100), timed_row("a", 101)});
  });
  EXPECT_THAT(error, HasSubstr("new.csv:3"));
  EXPECT_THAT(error, HasSubstr("new.csv:2"));
  EXPECT_THAT(error, HasSubstr("softmax/a@avx2"));
}

TEST(ComparePolicy, TakesTheThresholdOfTheLastPatternThatMatches) {
  CompareOptions options;
  options.policy.thresholds = {{"*/softmax/*", 0.5}, {"*/a@*", 0.2}};
  const Comparison comparison = compare_rows({timed_row("a", 100), timed_row("b", 100)},
                                             {timed_row("a", 130), timed_row("b", 130)}, options);
  EXPECT_EQ(comparison.entries[0].judgement.verdict, Verdict::kSlower);
  EXPECT_EQ(comparison.entries[1].judgement.verdict, Verdict::kSame);
}

TEST(ComparePolicy, LeavesIgnoredRowsOutOfCountsAndExitButShowsThem) {
  CompareOptions options;
  options.policy.ignore = {{"*/a@*", "noisy by design"}};
  const Comparison comparison = compare_rows({timed_row("a", 100)}, {timed_row("a", 200)}, options);
  EXPECT_EQ(comparison.count(Verdict::kSlower), 0);
  EXPECT_FALSE(fails(comparison, parse_fail_on("slower")));
  EXPECT_THAT(to_text(comparison), HasSubstr("noisy by design"));
}

TEST(FailOn, FailsOnExactlyTheVerdictsItNames) {
  const Comparison slower = compare_rows({timed_row("a", 100)}, {timed_row("a", 200)});
  EXPECT_TRUE(fails(slower, parse_fail_on("slower,missing")));
  EXPECT_FALSE(fails(slower, parse_fail_on("missing")));
  EXPECT_FALSE(fails(slower, parse_fail_on("none")));
  const Comparison missing = compare_rows({timed_row("a", 100)}, {});
  EXPECT_TRUE(fails(missing, parse_fail_on("missing")));
  EXPECT_FALSE(fails(missing, parse_fail_on("slower")));
  const Comparison faster = compare_rows({timed_row("a", 200)}, {timed_row("a", 100)});
  EXPECT_FALSE(fails(faster, parse_fail_on("slower,missing,ambiguous")));
}

TEST(FailOn, RefusesAWordItDoesNotKnow) {
  EXPECT_THAT(thrown_by([] { parse_fail_on("slower,slow"); }), HasSubstr("\"slow\""));
}

TEST(CompareText, PutsWhatIsSlowerFirst) {
  const std::string text = to_text(compare_rows({timed_row("same", 100), timed_row("slow", 100)},
                                                {timed_row("same", 100), timed_row("slow", 150)}));
  EXPECT_LT(text.find("slow@avx2"), text.find("same@avx2"));
  EXPECT_THAT(text, HasSubstr("2 rows: 1 SLOWER, 0 FASTER, 1 SAME, 0 AMBIGUOUS"));
}

TEST(CompareMarkdown, FoldsUnchangedRowsAndKeepsEveryTableLineInShape) {
  const std::string text =
      to_markdown(compare_rows({timed_row("same", 100), timed_row("slow", 100)},
                               {timed_row("same", 100), timed_row("slow", 150)}));
  EXPECT_LT(text.find("slow@avx2"), text.find("<details>"));
  EXPECT_GT(text.find("same@avx2"), text.find("<details>"));
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    if (line.rfind("|", 0) == 0) {
      EXPECT_EQ(std::count(line.begin(), line.end(), '|'), 7) << line;
    }
  }
}

TEST(CompareJson, ParsesAndHoldsNoRatioWhereThereIsNone) {
  const auto json = nlohmann::json::parse(
      to_json(compare_rows({timed_row("a", 100), timed_row("gone", 100)}, {timed_row("a", 150)})));
  EXPECT_EQ(json["counts"]["SLOWER"], 1);
  EXPECT_NEAR(json["rows"][0]["ratio"].get<double>(), 1.5, 1e-9);
  EXPECT_EQ(json["rows"][1]["verdict"], "MISSING");
  EXPECT_TRUE(json["rows"][1]["ratio"].is_null());
}

}  // namespace
}  // namespace sb
