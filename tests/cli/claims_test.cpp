// `claims` as its users meet it: what it lists, measures, judges and refuses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/registry.h"
#include "program.h"
#include "report/csv.h"
#include "report/csv_text.h"
#include "report/long_form.h"

namespace sb {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

constexpr const char* kHead = "paper: Twice as good\narxiv: '1234.56789'\nclaims:\n";
constexpr const char* kRun =
    ", run: {op: twice, sweep: {n: [4]}, rounds: 6, min_time: 0.0001, timeout: 20}";

std::string claim(const std::string& id, const std::string& rest) {
  return "  - {id: " + id + ", statement: a statement, source: table, seen: abstract, " +
         "hardware: some machine, setting: small, " + rest + "}\n";
}

// `slow` sleeps for 20 ms in each call, `right` takes nanoseconds: no clock can get this wrong.
std::string fast_beats_slow(const std::string& relation = "'>=', value: 10",
                            const std::string& hardware_class = "cpu") {
  return claim("fast-beats-slow",
               "hardware_class: " + hardware_class + ", contender: right, baseline: slow, " +
                   "strongest: also_right, metric: speedup, relation: " + relation + kRun);
}
std::string slow_beats_fast(const std::string& hardware_class = "cpu") {
  return claim("slow-beats-fast", "hardware_class: " + hardware_class +
                                      ", contender: slow, baseline: right, metric: speedup, "
                                      "relation: '>=', value: 2" +
                                      kRun);
}

class Claims : public ::testing::Test {
 protected:
  Finished claims(const std::string& text, std::vector<std::string> arguments) {
    space_.write("c.yaml", text);
    arguments.insert(arguments.begin(), {"claims", "c.yaml"});
    return space_.run(arguments);
  }
  Workspace space_;
};

TEST_F(Claims, RunMeasuresAndJudgesWithTheCountsFirst) {
  const Finished finished =
      claims(kHead + fast_beats_slow() + slow_beats_fast(), {"--run", "--rows", "rows"});
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_THAT(finished.out,
              StartsWith("2 claims of 1 paper: 1 EXCEEDED, 1 REFUTED HERE\nthis machine: "));
  EXPECT_THAT(finished.out, AllOf(HasSubstr("right@scalar against slow@scalar at f32/n=4/t1/warm"),
                                  HasSubstr("claimed   speedup >= 10 (some machine; arXiv "
                                            "1234.56789, table)"),
                                  HasSubstr("(paired rounds)"), HasSubstr("strongest ")));
  EXPECT_EQ(read_csv(space_.path("rows/results.csv")).rows.size(), 3u)
      << "two claims share one workload";
}

TEST_F(Claims, StrictExitsWith1WhenAClaimIsRefuted) {
  EXPECT_EQ(claims(kHead + slow_beats_fast(), {"--run", "--strict"}).exit_code, 1);
  EXPECT_EQ(claims(kHead + slow_beats_fast("gpu"), {"--run", "--strict"}).exit_code, 1)
      << "the sign contradicts, whatever the hardware";
  EXPECT_EQ(claims(kHead + fast_beats_slow(), {"--run", "--strict"}).exit_code, 0);
}

TEST_F(Claims, OtherHardwareGivesTheDirectionOnly) {
  const Finished finished = claims(kHead + fast_beats_slow("'~', value: 3", "gpu"), {"--run"});
  EXPECT_THAT(finished.out, StartsWith("1 claim of 1 paper: 1 DIRECTION ONLY"));
  EXPECT_THAT(finished.out, HasSubstr("sign agrees; the paper's hardware is gpu, this is cpu"));
}

TEST_F(Claims, JudgesTheRowsOfAnEarlierRunToTheSameVerdicts) {
  claims(kHead + fast_beats_slow(), {"--run", "--rows", "rows", "--out", "run.csv"});
  const Finished finished =
      claims(kHead + fast_beats_slow(), {"--from", "rows/results.csv", "--out", "from.csv"});
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_EQ(space_.read("run.csv"), space_.read("from.csv"));
  EXPECT_THAT(space_.read("from.csv"), HasSubstr("paired rounds")) << "samples.csv beside the rows";
}

TEST_F(Claims, WorksWithoutTheSamplesButSaysThatIntervalsWereCombined) {
  claims(kHead + fast_beats_slow(), {"--run", "--rows", "rows", "--quiet", "--out", "x.txt"});
  std::filesystem::copy_file(space_.path("rows/results.csv"), space_.path("alone.csv"));
  const Finished finished = claims(kHead + fast_beats_slow(), {"--from", "alone.csv"});
  EXPECT_THAT(finished.out, HasSubstr("(intervals combined)"));
}

TEST_F(Claims, WritesEveryFormatAndRefusesOthersBeforeMeasuring) {
  const std::string text = kHead + fast_beats_slow();
  claims(text, {"--run", "--rows", "rows", "--quiet", "--out", "r.txt"});
  for (const char* name : {"r.csv", "r.md", "r.html"}) {
    EXPECT_EQ(claims(text, {"--from", "rows/results.csv", "--out", name}).exit_code, 0);
  }
  EXPECT_THAT(space_.read("r.txt"), StartsWith("1 claim of 1 paper: 1 EXCEEDED"));
  EXPECT_EQ(parse_csv(space_.read("r.csv")).size(), 2u);
  EXPECT_THAT(space_.read("r.md"), HasSubstr("Made by: `softmax-bench claims "));
  EXPECT_THAT(space_.read("r.html"), StartsWith("<!DOCTYPE html>"));

  const Finished pdf = claims(text, {"--run", "--rows", "never", "--out", "r.pdf"});
  EXPECT_EQ(pdf.exit_code, 2);
  EXPECT_THAT(pdf.err, HasSubstr("must end in .txt, .csv, .md or .html"));
  const Finished nowhere = claims(text, {"--run", "--rows", "never", "--out", "no/where/r.md"});
  EXPECT_EQ(nowhere.exit_code, 2);
  EXPECT_THAT(nowhere.err, HasSubstr("there is no folder"));
  EXPECT_FALSE(std::filesystem::exists(space_.path("never")));
}

TEST_F(Claims, MetricsOtherThanTimeAreJudged) {
  const std::string sides = "hardware_class: any, contender: right, baseline: also_right, ";
  const std::string text =
      kHead + claim("memory", sides + "metric: memory_ratio, relation: '~', value: 1" + kRun) +
      claim("error", sides + "metric: error, relation: '<=', value: 0.5" + kRun) +
      claim("flops", sides + "metric: flop_ratio, relation: '~', value: 1" + kRun) +
      claim("workspace", sides + "metric: memory, relation: '<=', value: 1" + kRun) +
      claim("spread", sides +
                          "metric: spread, axis: n, relation: '<=', value: 1000000, run: {op: "
                          "twice, sweep: {n: [4, 8]}, rounds: 6, min_time: 0.0001}");
  const Finished finished = claims(text, {"--run", "--out", "r.csv"});
  EXPECT_THAT(finished.out, StartsWith("5 claims of 1 paper: 2 CONFIRMED, 3 EXCEEDED"))
      << space_.read("r.csv");
  EXPECT_THAT(space_.read("r.csv"), HasSubstr("counted"));
}

TEST_F(Claims, ListSaysOfEachClaimWhyItCanOrCantBeTestedHere) {
  const std::string text =
      kHead + fast_beats_slow() +
      claim("misses",
            "contender: rihgt, baseline: slow, metric: speedup, value: 2" + std::string(kRun)) +
      claim("refused",
            "contender: refuses, baseline: slow, metric: speedup, value: 2" + std::string(kRun)) +
      claim("too-large",
            "contender: right, baseline: slow, metric: speedup, value: 2, "
            "run: {op: twice, sweep: {n: [100000000000000]}}") +
      claim("odd",
            "contender: right, baseline: slow, metric: speedup, value: 2, "
            "run: {op: twice, sweep: {n: [3]}}") +
      claim("unmet",
            "contender: right, baseline: slow, metric: speedup, value: 2, needs: {range: "
            "{n: [100, 200]}}" +
                std::string(kRun)) +
      claim("cuda",
            "contender: right, baseline: slow, metric: speedup, value: 2, "
            "run_cuda: {op: twice, sweep: {n: [4]}}") +
      claim("model",
            "contender: {external: a network}, metric: quality, value: 2, "
            "not_testable: a property of a trained model");
  const Finished finished = claims(text, {"--list"});
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_THAT(finished.out,
              StartsWith("8 claims, 1 of them can be tested here; a GPU would settle"));
  EXPECT_THAT(finished.out,
              AllOf(HasSubstr("no variant of twice is called rihgt in this build"),
                    HasSubstr("not in the mood"), HasSubstr("of this machine's"),
                    HasSubstr("n must be even"), HasSubstr("n must lie in [100, 200], is 4"),
                    HasSubstr("needs a CUDA device"), HasSubstr("a property of a trained model")));
  EXPECT_EQ(claims(text, {}).out, finished.out) << "without --run and --from it lists";
}

TEST_F(Claims, NothingTestableIsNothingRunnable) {
  const Finished finished =
      claims(kHead + claim("model",
                           "contender: {external: x}, metric: quality, value: 2, "
                           "not_testable: needs a trained model"),
             {"--run"});
  EXPECT_EQ(finished.exit_code, 77);
  EXPECT_THAT(finished.out, StartsWith("1 claim of 1 paper: 1 NOT RUN"));
}

TEST_F(Claims, PaperAndClaimSelectAndCorrectTypos) {
  const std::string text = kHead + fast_beats_slow() + slow_beats_fast();
  EXPECT_THAT(claims(text, {"--claim", "fast-*"}).out, StartsWith("1 claims, 1 of them"));
  EXPECT_THAT(claims(text, {"--paper", "1234.56789"}).out, StartsWith("2 claims"));
  EXPECT_THAT(claims(text, {"--paper", "c"}).out, StartsWith("2 claims")) << "the file's name";
  const Finished paper = claims(text, {"--paper", "1234.5678"});
  EXPECT_EQ(paper.exit_code, 2);
  EXPECT_THAT(paper.err, HasSubstr("did you mean \"1234.56789\"?"));
  const Finished id = claims(text, {"--claim", "fast-beat-slow"});
  EXPECT_EQ(id.exit_code, 2);
  EXPECT_THAT(id.err, HasSubstr("did you mean \"fast-beats-slow\"?"));
}

// --- bad input -----------------------------------------------------------------------------------

TEST_F(Claims, ATypoInAClaimsFileNamesTheLineAndTheNearestWord) {
  const Finished finished =
      claims(kHead + claim("one", "contender: right, basline: slow, metric: speedop, value: 2"),
             {"--run"});
  EXPECT_EQ(finished.exit_code, 2);
  EXPECT_THAT(finished.err,
              AllOf(HasSubstr("c.yaml:4:"), HasSubstr("\"basline\"; did you mean \"baseline\"?"),
                    HasSubstr("did you mean \"speedup\"?")));
  EXPECT_THAT(finished.out, IsEmpty());
}

TEST_F(Claims, ARowsFileThatIsCutOffOrNotThereIsAnErrorAndWritesNothing) {
  const std::string text = kHead + fast_beats_slow();
  claims(text, {"--run", "--rows", "rows", "--quiet", "--out", "r.txt"});
  const std::string rows = space_.read("rows/results.csv");
  space_.write("cut.csv", rows.substr(0, rows.size() - 10));
  space_.write("twice.csv", rows + rows.substr(rows.find('\n') + 1));
  for (const char* file : {"cut.csv", "twice.csv", "none.csv"}) {
    const Finished finished = claims(text, {"--from", file, "--out", "bad.md"});
    EXPECT_EQ(finished.exit_code, 2) << file;
    EXPECT_THAT(finished.err, HasSubstr(file));
  }
  EXPECT_FALSE(std::filesystem::exists(space_.path("bad.md")));
  EXPECT_THAT(claims(text, {"--from", "twice.csv"}).err,
              AllOf(HasSubstr("twice.csv:5"), HasSubstr("the same case as twice.csv:2")));
}

TEST_F(Claims, AHandEditedSampleIsFoundByItsLine) {
  const std::string text = kHead + fast_beats_slow();
  claims(text, {"--run", "--rows", "rows", "--quiet", "--out", "r.txt"});
  std::string samples = space_.read("rows/samples.csv");
  const std::size_t line_end = samples.find("\r\n", samples.find("\r\n") + 2);
  const std::size_t end = samples.rfind(',', line_end);  // of time_ns, the last but one
  samples.replace(samples.rfind(',', end - 1) + 1, end - samples.rfind(',', end - 1) - 1, "nan");
  space_.write("rows/samples.csv", samples);
  const Finished finished = claims(text, {"--from", "rows/results.csv"});
  EXPECT_EQ(finished.exit_code, 2);
  EXPECT_THAT(finished.err, HasSubstr("samples.csv:2: \"nan\" is no measurement"));
}

TEST_F(Claims, AFolderThatHoldsARunIsNotOverwritten) {
  const std::string text = kHead + fast_beats_slow();
  claims(text, {"--run", "--rows", "rows", "--quiet", "--out", "r.txt"});
  const Finished again = claims(text, {"--run", "--rows", "rows"});
  EXPECT_EQ(again.exit_code, 2);
  EXPECT_THAT(again.err, HasSubstr("already holds a run"));
}

TEST_F(Claims, RowsOfAnotherMachineAreLabelledWithIt) {
  const std::string text = kHead + fast_beats_slow();
  claims(text, {"--run", "--rows", "rows", "--quiet", "--out", "r.txt"});
  CsvRows rows = read_csv(space_.path("rows/results.csv"));
  std::string other = csv_header();
  for (Row& row : rows.rows) {
    row.host = "Another CPU, 64 cores";
    other += csv_row(row);
  }
  space_.write("other.csv", other);
  EXPECT_THAT(claims(text, {"--from", "other.csv"}).out,
              HasSubstr("this machine: Another CPU, 64 cores"));
}

// --- the shipped catalogue, with the real families -----------------------------------------------

TEST(ClaimsCatalogue, IsListedByTheRealProgram) {
  const Workspace space;
  const Finished finished = space.run({"claims", "--list"}, {}, SB_PROGRAM);
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_THAT(finished.out, StartsWith("426 claims, "));
  EXPECT_THAT(finished.out, Not(HasSubstr("did you mean"))) << "a run that can't be planned";
}

}  // namespace
}  // namespace sb
