#include "report/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <regex>

#include "report/csv_text.h"
#include "report/long_form.h"

namespace sb {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

Row a_row() {
  Row row;
  row.run_id = "r1";
  row.workload = "w";
  row.op = "softmax";
  row.variant = "two_pass";
  row.isa = "avx512";
  row.status = std::string(status::kOk);
  row.threads = 1;
  row.time_median_ns = 123.25;
  return row;
}

// Replaces one field of the row's record by raw text.
std::string with_field(const Row& row, std::string_view name, const std::string& value) {
  std::vector<std::string> fields;
  for (const Column& column : columns()) {
    fields.push_back(column.name == name ? value : column.get(row));
  }
  return csv_record(fields);
}

std::string csv_error(const std::string& text, TruncatedTail tail = TruncatedTail::kRefuse) {
  try {
    parse_rows(text, "f.csv", tail);
  } catch (const CsvError& error) {
    return error.what();
  }
  return "";
}

TEST(CsvField, IsQuotedOnlyWhereItMustBe) {
  EXPECT_EQ(csv_field("plain"), "plain");
  EXPECT_EQ(csv_field("a,b"), "\"a,b\"");
  EXPECT_EQ(csv_field("say \"x\""), "\"say \"\"x\"\"\"");
  EXPECT_EQ(csv_field("two\nlines"), "\"two\nlines\"");
}

TEST(CsvRecord, GivesBackAnyFieldsAfterTheRoundTrip) {
  std::mt19937 random(7);
  const std::string alphabet = "a1,\"\n\r ;=";
  for (int trial = 0; trial < 500; ++trial) {
    std::vector<std::string> fields(1 + random() % 5);
    for (std::string& field : fields) {
      for (auto n = random() % 6; n > 0; --n) field += alphabet[random() % alphabet.size()];
    }
    fields.push_back("end");  // a record of one empty field is a blank line
    const std::vector<CsvRecord> records = parse_csv(csv_record(fields));
    ASSERT_EQ(records.size(), 1u);
    EXPECT_EQ(records[0].fields, fields);
    EXPECT_TRUE(records[0].terminated);
    EXPECT_THAT(records[0].quoting_error, IsEmpty());
  }
}

TEST(CsvRecord, KnowsItsLineEvenAfterAFieldOfSeveralLines) {
  const std::vector<CsvRecord> records = parse_csv("a,\"b\nc\"\nd,e\r\n\nf,g");
  ASSERT_EQ(records.size(), 3u);
  EXPECT_THAT(records[0].fields, ElementsAre("a", "b\nc"));
  EXPECT_EQ(records[1].line, 3);
  EXPECT_THAT(records[1].fields, ElementsAre("d", "e"));
  EXPECT_EQ(records[2].line, 5);
  EXPECT_FALSE(records[2].terminated);
}

TEST(ResultsCsv, GivesBackEveryColumnOfARow) {
  Row row = a_row();
  int n = 0;
  for (const Column& column : columns()) {
    if (column.name == "schema_version" || column.name == "status") continue;
    const std::string text = std::holds_alternative<Text Row::*>(column.member)
                                 ? "word, \"" + std::to_string(++n) + "\""
                                 : std::to_string(++n);
    ASSERT_EQ(column.set(row, text), "") << column.name;
  }
  const CsvRows read = parse_rows(csv_header() + csv_row(row), "f.csv");
  ASSERT_EQ(read.rows.size(), 1u);
  for (const Column& column : columns()) {
    EXPECT_EQ(column.get(read.rows[0]), column.get(row)) << column.name;
  }
  EXPECT_THAT(read.lines, ElementsAre(2));
}

TEST(ResultsCsv, HasAHeaderThatNeverDependsOnContent) {
  std::vector<std::string> names;
  for (const Column& column : columns()) names.emplace_back(column.name);
  EXPECT_EQ(parse_csv(csv_header())[0].fields, names);
}

TEST(ResultsCsv, LeavesAnUnmeasuredNumberEmpty) {
  const CsvRows read = parse_rows(csv_header() + csv_row(a_row()), "f.csv");
  EXPECT_EQ(read.rows[0].time_median_ns, 123.25);
  EXPECT_EQ(read.rows[0].time_lo_ns, std::nullopt);
}

TEST(ResultsCsv, TakesLinesThatEndInLfOnly) {
  std::string text = csv_header() + csv_row(a_row());
  std::erase(text, '\r');
  EXPECT_EQ(parse_rows(text, "f.csv").rows.size(), 1u);
}

TEST(ResultsCsv, RefusesATruncatedLastLineWithItsNumberAndTheCure) {
  std::string text = csv_header() + csv_row(a_row()) + csv_row(a_row());
  text.resize(text.size() - 9);
  EXPECT_THAT(csv_error(text), StartsWith("f.csv:3: "));
  EXPECT_THAT(csv_error(text), HasSubstr("--resume"));
}

TEST(ResultsCsv, DropsATruncatedLastLineForResumeWhereverItWasCut) {
  const std::string sound = csv_header() + csv_row(a_row());
  const std::string last = csv_row(a_row());
  for (std::size_t cut = 1; cut < last.size() - 1; ++cut) {
    const CsvRows read = parse_rows(sound + last.substr(0, cut), "f.csv", TruncatedTail::kDrop);
    ASSERT_EQ(read.rows.size(), 1u) << cut;
    EXPECT_EQ(read.truncated_line, 3);
    EXPECT_EQ(read.sound_bytes, sound.size());
  }
}

TEST(ResultsCsv, RefusesAnotherSchemaVersionWithTheCure) {
  const std::string error = csv_error(csv_header() + with_field(a_row(), "schema_version", "99"));
  EXPECT_THAT(error, StartsWith("f.csv:2: schema_version is 99"));
  EXPECT_THAT(error, HasSubstr("measure again"));
}

TEST(ResultsCsv, RefusesNumbersThatAreNone) {
  for (const std::string wrong : {"nan", "NaN", "inf", "-inf", "1e999", "12x", "fast"}) {
    const std::string error = csv_error(csv_header() + with_field(a_row(), "time_lo_ns", wrong));
    EXPECT_THAT(error, StartsWith("f.csv:2: time_lo_ns: \"" + wrong + "\" is not ")) << wrong;
  }
  EXPECT_THAT(csv_error(csv_header() + with_field(a_row(), "threads", "1.5")),
              HasSubstr("not an integer"));
}

TEST(ResultsCsv, RefusesAStatusThatIsNoWordOfOurs) {
  EXPECT_THAT(csv_error(csv_header() + with_field(a_row(), "status", "okk")),
              HasSubstr("unknown status \"okk\"; did you mean \"ok\"?"));
}

TEST(ResultsCsv, RefusesDuplicateAndMissingColumns) {
  std::string header = csv_header();
  const std::string twice = "variant," + header;
  EXPECT_THAT(csv_error(twice), HasSubstr("f.csv:1: column \"variant\" appears twice"));
  header.replace(header.find("dtype"), 5, "dtipe");
  EXPECT_THAT(csv_error(header), HasSubstr("column \"dtype\" is missing (is \"dtipe\" meant?)"));
}

TEST(ResultsCsv, IgnoresColumnsOfSomebodyElseByName) {
  std::string header = csv_header();
  std::string row = csv_row(a_row());
  const CsvRows read = parse_rows("mine," + header + "7," + row, "f.csv");
  EXPECT_THAT(read.ignored, ElementsAre("mine"));
  EXPECT_EQ(read.rows.at(0).variant, "two_pass");
}

TEST(ResultsCsv, ReportsAllProblemsOfAFileAtOnceButNotThousands) {
  std::string text = csv_header();
  for (int i = 0; i < 30; ++i) text += "only,three,fields\r\n";
  const std::string error = csv_error(text);
  EXPECT_THAT(error, HasSubstr("f.csv:2: 3 fields where the header has"));
  EXPECT_THAT(error, HasSubstr("f.csv:21: "));
  EXPECT_THAT(error, HasSubstr("... and 10 more"));
}

TEST(ResultsCsv, RefusesWhatIsNoResultsFile) {
  EXPECT_THAT(csv_error(""), HasSubstr("empty"));
  EXPECT_THAT(csv_error("\n\n"), HasSubstr("empty"));
  EXPECT_THAT(csv_error("<html></html>\n"), HasSubstr("is this a results.csv"));
  EXPECT_THROW(read_csv("/nonexistent/results.csv"), CsvError);
  EXPECT_THROW(read_csv(std::filesystem::temp_directory_path().string()), CsvError);
}

TEST(ResultsCsv, NeverCrashesOnDamagedFiles) {
  const std::string sound = csv_header() + csv_row(a_row()) + csv_row(a_row());
  std::mt19937 random(11);
  for (int trial = 0; trial < 2000; ++trial) {
    std::string text = sound;
    for (auto n = 1 + random() % 4; n > 0; --n) {
      text[random() % text.size()] = static_cast<char>(random() % 256);
    }
    text.resize(random() % (text.size() + 1));
    csv_error(text, trial % 2 == 0 ? TruncatedTail::kDrop : TruncatedTail::kRefuse);
  }
}

TEST(LongForm, RepeatsTheIdentityAndCountsRounds) {
  const std::vector<CsvRecord> lines =
      parse_csv(samples_header() + samples_lines(a_row(), {{7, 10.5}, {1.8e9, 11}}));
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0].fields.back(), "began_s");
  EXPECT_EQ(lines[1].fields.size(), lines[0].fields.size());
  EXPECT_EQ(lines[1].fields[2], "w");
  EXPECT_EQ(lines[2].fields[lines[2].fields.size() - 3], "2");
  EXPECT_EQ(lines[2].fields[lines[2].fields.size() - 2], "11");
  EXPECT_EQ(lines[2].fields.back(), "1800000000.000000");
}

TEST(LongForm, ReadsSamplesOfBeforeTheyToldWhenTheyBegan) {
  const std::string path = testing::TempDir() + "samples_without_began_s.csv";
  std::string text = samples_header() + samples_lines(a_row(), {{7, 10.5}, {8, 11}});
  text = std::regex_replace(text, std::regex(",[^,]*\r\n"), "\r\n");
  std::ofstream(path, std::ios::binary) << text;
  EXPECT_EQ(read_samples(path).at(identity_of(a_row())), (std::vector<double>{10.5, 11}));
}

TEST(LongForm, LeavesAMetricWithoutAFiniteValueEmpty) {
  const std::vector<CsvRecord> lines = parse_csv(
      metrics_header() + metrics_lines(a_row(), {{"ulp", std::nan(""), "ulp", "measured"}}));
  const std::vector<std::string>& fields = lines.at(1).fields;
  EXPECT_EQ(fields[fields.size() - 4], "ulp");
  EXPECT_EQ(fields[fields.size() - 3], "");
}

}  // namespace
}  // namespace sb
