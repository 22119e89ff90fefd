// compare and roofline as users and their scripts meet them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "program.h"
#include "report/csv.h"

namespace sb {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr const char* kWorkload =
    "name: w\nop: twice\nsweep: {n: [4, 8]}\nvariants: [right, also_right]\n";

// A run of fake kernels with times that the test sets: 1000 ns within 1 %.
class Reports : public ::testing::Test {
 protected:
  void SetUp() override {
    space_.write("w.yaml", kWorkload);
    ASSERT_EQ(space_.run({"verify", "w.yaml", "--csv", "verified.csv", "--quiet"}).exit_code, 0);
    rows_ = read_csv(space_.path("verified.csv").string()).rows;
    for (Row& row : rows_) set_time(row, 1000);
    write_rows("base.csv", rows_);
  }

  static void set_time(Row& row, double ns) {
    row.time_median_ns = ns;
    row.time_lo_ns = 0.995 * ns;
    row.time_hi_ns = 1.005 * ns;
    row.flops = 8;
    row.bytes_compulsory = 64;
    row.bytes_algorithm = 64;
  }

  void write_rows(const std::string& name, const std::vector<Row>& rows) const {
    std::string text = csv_header();
    for (const Row& row : rows) text += csv_row(row);
    space_.write(name, text);
  }

  Finished compare(const std::function<void(std::vector<Row>&)>& change,
                   std::vector<std::string> more = {}) const {
    std::vector<Row> rows = rows_;
    change(rows);
    write_rows("new.csv", rows);
    std::vector<std::string> arguments = {"compare", "base.csv", "new.csv"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return space_.run(arguments);
  }

  Workspace space_;
  std::vector<Row> rows_;
};

void nothing(std::vector<Row>&) {}
void first_is_slower(std::vector<Row>& rows) {
  for (Number* ns : {&rows[0].time_median_ns, &rows[0].time_lo_ns, &rows[0].time_hi_ns}) {
    **ns *= 1.5;
  }
}

TEST_F(Reports, CompareCallsARunTheSameAsItself) {
  const Finished done = compare(nothing);
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("4 rows: 0 SLOWER, 0 FASTER, 4 SAME, 0 AMBIGUOUS"));
}

TEST_F(Reports, CompareFailsOnASlowerRow) {
  const Finished done = compare(first_is_slower);
  EXPECT_EQ(done.exit_code, 1);
  EXPECT_THAT(done.out, AllOf(HasSubstr("1 SLOWER"), HasSubstr("+50.0 %")));
}

TEST_F(Reports, CompareFailsOnAMissingRowUnlessToldOtherwise) {
  const auto drop = [](std::vector<Row>& rows) { rows.pop_back(); };
  EXPECT_EQ(compare(drop).exit_code, 1);
  EXPECT_EQ(compare(drop, {"--fail-on", "slower"}).exit_code, 0);
}

TEST_F(Reports, CompareRefusesAnotherMachineUnlessToldOtherwise) {
  const auto elsewhere = [](std::vector<Row>& rows) {
    for (Row& row : rows) row.host = "another machine";
  };
  const Finished refused = compare(elsewhere);
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("--across-machines"));
  const Finished taken = compare(elsewhere, {"--across-machines"});
  EXPECT_EQ(taken.exit_code, 0);
  EXPECT_THAT(taken.out, HasSubstr("These ratios compare machines, not code"));
}

TEST_F(Reports, ComparePrintsJsonAndMarkdown) {
  const Finished json = compare(first_is_slower, {"--format", "json"});
  EXPECT_EQ(nlohmann::json::parse(json.out)["counts"]["SLOWER"], 1);
  EXPECT_THAT(compare(first_is_slower, {"--format", "markdown"}).out,
              AllOf(StartsWith("**4 rows: 1 SLOWER"), HasSubstr("| SLOWER | `w/twice/")));
}

TEST_F(Reports, CompareJudgesByThePolicyFile) {
  space_.write("p.yaml", "ignore:\n  - {rows: '*', reason: a test}\n");
  EXPECT_EQ(compare(first_is_slower, {"--policy", "p.yaml"}).exit_code, 0);
}

TEST_F(Reports, CompareWritesNoFileWhenItsInputIsBad) {
  space_.write("new.csv", csv_header());
  const Finished done = space_.run({"compare", "base.csv", "new.csv", "--out", "out.md"});
  EXPECT_EQ(done.exit_code, 2);
  EXPECT_THAT(done.err, HasSubstr("new.csv: holds no rows"));
  EXPECT_FALSE(std::filesystem::exists(space_.path("out.md")));
}

TEST_F(Reports, CompareNamesABaselineThatIsNotThere) {
  const Finished file = space_.run({"compare", "gone.csv", "base.csv", "--out", "out.md"});
  EXPECT_EQ(file.exit_code, 2);
  EXPECT_THAT(file.err, HasSubstr("gone.csv"));
  EXPECT_FALSE(std::filesystem::exists(space_.path("out.md")));
  std::filesystem::create_directory(space_.path("folder"));
  const Finished folder = space_.run({"compare", "folder", "base.csv"});
  EXPECT_EQ(folder.exit_code, 2);
  EXPECT_THAT(folder.err, HasSubstr("folder/results.csv"));
}

// A file of each kind that a person or a killed run leaves behind, and what the commands say.
struct BadFile {
  const char* name;
  std::function<std::string(std::string)> spoil;
  const char* says;
};

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  return at == std::string::npos ? "" : text.replace(at, from.size(), to);
}

class BadFiles : public Reports, public ::testing::WithParamInterface<BadFile> {};

TEST_P(BadFiles, AreRefusedWithThePlaceAndTheCure) {
  space_.write("bad.csv", GetParam().spoil(space_.read("base.csv")));
  space_.write("c.yaml",
               "paper: p\nclaims:\n  - {id: c, statement: s, hardware: h, setting: s, contender: "
               "right, metric: time, value: 1, run: {op: twice, sweep: {n: [4]}}}\n");
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"compare", "base.csv", "bad.csv", "--out", "out.txt"},
        {"roofline", "bad.csv", "--machine", "h100", "--out", "out.txt"},
        {"claims", "c.yaml", "--from", "bad.csv", "--out", "out.txt"}}) {
    const Finished done = space_.run(arguments);
    EXPECT_EQ(done.exit_code, 2) << arguments[0];
    EXPECT_THAT(done.err, AllOf(HasSubstr("bad.csv"), HasSubstr(GetParam().says)));
    EXPECT_FALSE(std::filesystem::exists(space_.path("out.txt")));
  }
}

const BadFile kBadFiles[] = {
    {"Truncated", [](std::string text) { return text.substr(0, text.size() - 20); }, "bad.csv:5"},
    {"OtherSchema", [](std::string text) { return replaced(text, "\n1,", "\n7,"); },
     "schema_version"},
    {"NotANumber", [](std::string text) { return replaced(text, ",1000,", ",nan,"); }, "bad.csv:2"},
    {"MisspeltColumn",
     [](std::string text) { return replaced(text, "time_median_ns", "time_medan_ns"); },
     "time_median_ns"},
    {"Empty", [](std::string) { return std::string(); }, "empty"}};

std::string name_of_kind(const ::testing::TestParamInfo<BadFile>& kind) { return kind.param.name; }

INSTANTIATE_TEST_SUITE_P(Kinds, BadFiles, ::testing::ValuesIn(kBadFiles), name_of_kind);

TEST_F(Reports, CompareNamesBothPlacesOfADuplicateRow) {
  const Finished done = compare([](std::vector<Row>& rows) { rows.push_back(rows[0]); });
  EXPECT_EQ(done.exit_code, 2);
  EXPECT_THAT(done.err, AllOf(HasSubstr("new.csv:6"), HasSubstr("new.csv:2")));
}

constexpr const char* kMachine =
    "name: a test's machine\nsource: made up\nroofs:\n"
    "  - {level: mem, kind: triad, gb_per_s: 10}\n"
    "  - {isa: scalar, dtype: f32, kind: fma, gflop_per_s: 5}\n";

TEST_F(Reports, RooflinePrintsATableUnderDeclaredCeilings) {
  space_.write("m.yaml", kMachine);
  const Finished done = space_.run({"roofline", "base.csv", "--machine", "m.yaml"});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_THAT(done.out, AllOf(HasSubstr("ceilings declared for a test's machine"),
                              HasSubstr("mem triad 10 GB/s (declared)"),
                              HasSubstr("twice/also_right@scalar")));
}

TEST_F(Reports, RooflineDrawsPagesAndPictures) {
  space_.write("m.yaml", kMachine);
  for (const auto& [file, begin] : std::map<std::string, std::string>{
           {"r.html", "<!"}, {"r.svg", "<?xml"}, {"r.png", "\x89PNG"}}) {
    const Finished done =
        space_.run({"roofline", "base.csv", "--machine", "m.yaml", "--out", file});
    if (done.err.find("gnuplot") != std::string::npos) GTEST_SKIP() << done.err;
    EXPECT_EQ(done.exit_code, 0) << done.err;
    EXPECT_THAT(space_.read(file), StartsWith(begin));
  }
}

TEST_F(Reports, RooflineRefusesAnEndingItCannotWrite) {
  const Finished done = space_.run({"roofline", "base.csv", "--out", "r.pdf"});
  EXPECT_EQ(done.exit_code, 2);
  EXPECT_THAT(done.err, HasSubstr("the ending must be .html, .svg, .png, .txt"));
}

TEST_F(Reports, RooflineSaysHowToGetCeilingsWhereThereAreNone) {
  const Finished done = space_.run({"roofline", "base.csv", "--peaks", "none.json"});
  EXPECT_EQ(done.exit_code, 2);
  EXPECT_THAT(done.err, HasSubstr("run `softmax-bench peaks`"));
}

TEST_F(Reports, AMachineFileIsReadStrictly) {
  space_.write("m.yaml",
               "name: m\nsource: s\nroofs:\n  - {levl: mem, gb_per_s: 1}\n  - {level: mem}\n");
  const Finished done = space_.run({"roofline", "base.csv", "--machine", "m.yaml"});
  EXPECT_EQ(done.exit_code, 2);
  EXPECT_THAT(done.err, AllOf(HasSubstr("m.yaml:4"), HasSubstr("did you mean \"level\""),
                              HasSubstr("m.yaml:5"), Not(HasSubstr("terminate"))));
}

TEST_F(Reports, DeclaredMachinesAreReadableByName) {
  for (const char* name : {"a100", "h100", "h200"}) {
    const Finished done = space_.run({"roofline", "base.csv", "--machine", name});
    EXPECT_EQ(done.exit_code, 0) << done.err;
    EXPECT_THAT(done.out, AllOf(HasSubstr("ceilings declared for NVIDIA"), HasSubstr("mem triad"),
                                HasSubstr("cuda f32 fma")));
  }
}

}  // namespace
}  // namespace sb
