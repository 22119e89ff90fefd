#include "report/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "report/column_docs.h"

namespace sb {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

Row row(const std::string& variant, const std::string& params, Number ns) {
  Row r;
  r.workload = "w";
  r.op = "softmax";
  r.variant = variant;
  r.isa = "avx2";
  r.dtype = "f32";
  r.params = params;
  r.threads = 1;
  r.cache = "warm";
  r.status = ns ? "ok" : "skipped";
  r.time_median_ns = ns;
  return r;
}

TEST(HumanTime, HasFourFiguresAndTheUnitThatFits) {
  EXPECT_EQ(human_time(0.5), "0.500 ns");
  EXPECT_EQ(human_time(1), "1.000 ns");
  EXPECT_EQ(human_time(83.14159), "83.14 ns");
  EXPECT_EQ(human_time(999.4), "999.4 ns");
  EXPECT_EQ(human_time(999.96), "1.000 us");
  EXPECT_EQ(human_time(123456), "123.5 us");
  EXPECT_EQ(human_time(1.5e9), "1.500 s");
  EXPECT_EQ(human_time(7.2e12), "7200 s");
}

TEST(NaturalLess, ComparesNumbersByValue) {
  EXPECT_TRUE(natural_less("cols=512", "cols=1024"));
  EXPECT_FALSE(natural_less("cols=1024", "cols=512"));
  EXPECT_TRUE(natural_less("cols=8;rows=1", "cols=8;rows=10"));
  EXPECT_TRUE(natural_less("a", "b"));
  EXPECT_TRUE(natural_less("a", "a1"));
  EXPECT_FALSE(natural_less("a01", "a1"));
  EXPECT_FALSE(natural_less("a1", "a01"));
}

TEST(ResultsTable, SortsByShapeThenTime) {
  const std::string text =
      results_table({row("slow", "cols=1024", 900), row("fast", "cols=1024", 300),
                     row("other", "cols=512", 100)});
  EXPECT_LT(text.find("cols=512"), text.find("cols=1024"));
  EXPECT_LT(text.find("fast@avx2"), text.find("slow@avx2"));
}

TEST(ResultsTable, KeepsTheOrderOfTheWorkloads) {
  std::vector<Row> rows = {row("a", "cols=9", 1), row("a", "cols=1", 1)};
  rows[0].workload = "zz";
  rows[1].workload = "aa";
  const std::string text = results_table(rows);
  EXPECT_LT(text.find("[zz]"), text.find("[aa]"));
}

TEST(ResultsTable, ShowsTheIntervalsAndTheBaseline) {
  Row base = row("base", "cols=8", 200);
  base.baseline = "base@avx2";
  base.speedup = 1;
  Row fast = row("fast", "cols=8", 100);
  fast.time_lo_ns = 99;
  fast.time_hi_ns = 103;
  fast.baseline = "base@avx2";
  fast.speedup = 2;
  fast.speedup_lo = 1.9;
  fast.speedup_hi = 2.1;
  const std::string text = results_table({base, fast});
  EXPECT_THAT(text, HasSubstr("+-2.0%"));
  EXPECT_THAT(text, HasSubstr("2.000x [1.900, 2.100]"));
  EXPECT_THAT(text, HasSubstr("baseline\n"));
}

TEST(ResultsTable, LeavesOutColumnsThatNoRowFills) {
  const std::string text = results_table({row("a", "cols=8", 1)});
  EXPECT_THAT(text, Not(HasSubstr("speedup")));
  EXPECT_THAT(text, Not(HasSubstr("% roof")));
}

TEST(ResultsTable, ShowsTheShareOfTheMemoryRoofByOwnBytesToo) {
  Row streaming = row("two_pass_stream", "cols=8", 100);
  streaming.bound = "memory";
  streaming.pct_roof = 60;
  streaming.bytes_compulsory = 64;
  streaming.bytes_algorithm = 96;
  Row cached = streaming;
  cached.variant = "cached";
  cached.bound = "L2";
  const std::string text = results_table({streaming, cached});
  EXPECT_THAT(text, ContainsRegex("% roof +own"));
  EXPECT_THAT(text, ContainsRegex("two_pass_stream@avx2 +100.0 ns +60.0 +90.0\n"));
  EXPECT_THAT(text, ContainsRegex("cached@avx2 +100.0 ns +60.0\n"));
}

TEST(ResultsTable, ShowsWhatWentWrongWithItsReason) {
  Row wrong = row("wrong", "cols=8", std::nullopt);
  wrong.status = "incorrect";
  wrong.reason = "y[3] is 0.5";
  EXPECT_THAT(results_table({wrong}), HasSubstr("incorrect: y[3] is 0.5"));
}

TEST(ResultsTable, SumsUpWhatWasSkippedByReason) {
  std::vector<Row> rows = {row("a", "cols=8", std::nullopt), row("b", "cols=8", std::nullopt),
                           row("c", "cols=8", std::nullopt)};
  rows[0].reason = rows[1].reason = "no CUDA device";
  rows[2].reason = "too odd";
  const std::string text = results_table(rows);
  EXPECT_THAT(text, HasSubstr("skipped 2 rows (softmax/a@avx2, ...): no CUDA device\n"));
  EXPECT_THAT(text, HasSubstr("skipped 1 row (softmax/c@avx2): too odd\n"));
}

TEST(ResultsTable, ShowsMetricsBesideTheTime) {
  const std::vector<Row> rows = {row("naive", "cols=8", 900), row("folded", "cols=8", 300)};
  const std::string text =
      results_table(rows, {{identity_of(rows[0]), {{.name = "mean_abs_error", .value = 0.087}}},
                           {identity_of(rows[1]), {{.name = "mean_abs_error", .value = 0.00084}}}});
  EXPECT_THAT(text, ContainsRegex("time +mean_abs_error"));
  EXPECT_THAT(text, ContainsRegex("folded@avx2 +300.0 ns +0.00084"));
  EXPECT_THAT(text, ContainsRegex("naive@avx2 +900.0 ns +0.087"));
}

TEST(ResultsTable, OfNoRowsIsEmpty) { EXPECT_EQ(results_table({}), ""); }

TEST(VerificationTable, ShowsErrorAndTolerance) {
  Row checked = row("a", "cols=8", std::nullopt);
  checked.status = "ok";
  checked.verify = "pass";
  checked.err_max_rel = 1.5e-7;
  checked.tolerance = 2e-6;
  const std::string text = verification_table({checked});
  EXPECT_THAT(text, HasSubstr("1.50e-07"));
  EXPECT_THAT(text, HasSubstr("2.00e-06"));
}

TEST(ResultsReadme, IsWhatTheColumnTableSays) {
  std::ifstream file(std::string(SB_SOURCE_DIR) + "/results/README.md");
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_EQ(text.str(), columns_markdown())
      << "run: softmax-bench list columns --markdown > results/README.md";
}

}  // namespace
}  // namespace sb
