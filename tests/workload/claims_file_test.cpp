#include "workload/claims_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "workload/gate_policy_file.h"

namespace sb {
namespace {

using ::testing::HasSubstr;

const std::string kRoot = SB_SOURCE_DIR;

std::string write(const std::string& name, const std::string& text) {
  const std::string path = ::testing::TempDir() + "/" + std::to_string(getpid()) + name;
  std::ofstream(path) << text;
  return path;
}

constexpr const char* kHead = "paper: A paper\narxiv: '1234.56789'\nclaims:\n";

std::string claim(const std::string& id, const std::string& more = "") {
  return "  - {id: " + id +
         ", statement: s, source: table, seen: abstract, hardware: h, hardware_class: cpu, "
         "setting: w, contender: a, baseline: b, metric: speedup, relation: '>=', value: 2" +
         (more.empty() ? ", run: {op: softmax, sweep: {rows: [1]}}" : more) + "}\n";
}

std::string errors_of(const std::string& text) {
  try {
    load_claims({write("claims.yaml", text)});
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

TEST(ClaimsFile, ReadsAClaimWithItsPlace) {
  const auto claims = load_claims({write("claims.yaml", kHead + claim("one") + claim("two"))});
  ASSERT_EQ(claims.size(), 2u);
  EXPECT_EQ(claims[1].id, "two");
  EXPECT_EQ(claims[1].paper, "A paper");
  EXPECT_EQ(claims[1].line, 5);
  ASSERT_EQ(claims[1].run.size(), 1u);
  EXPECT_EQ(claims[1].run[0].values.at("rows"), std::vector<std::string>{"1"});
}

TEST(ClaimsFile, CallsAnUnknownKeyAnErrorWithPlaceAndNearestKey) {
  const std::string errors = errors_of(kHead + claim("one", ", not_testable: x, valeu: 3"));
  EXPECT_THAT(errors, HasSubstr("claims.yaml:4:"));
  EXPECT_THAT(errors, HasSubstr("\"valeu\"; did you mean \"value\"?"));
}

TEST(ClaimsFile, ReportsEveryFaultOfTheFileAtOnce) {
  const std::string errors = errors_of(
      kHead + claim("one", ", not_testable: x, extra: 3") +
      "  - {id: two, statement: s, source: tabel, hardware: h, setting: w, contender: a, metric: "
      "speedup, value: fast, not_testable: x}\n");
  EXPECT_THAT(errors, HasSubstr("extra"));
  EXPECT_THAT(errors, HasSubstr("did you mean \"table\"?"));
  EXPECT_THAT(errors, HasSubstr("\"value\" must be a finite number"));
}

TEST(ClaimsFile, RefusesAnIdThatAppearsTwice) {
  EXPECT_THAT(errors_of(kHead + claim("one") + claim("one")), HasSubstr("\"one\" is already in"));
}

TEST(ClaimsFile, WantsAReasonWhereNothingCanTestAClaim) {
  EXPECT_THAT(errors_of(kHead + claim("one", ", axis: n")), HasSubstr("\"not_testable\" must say"));
  EXPECT_EQ(errors_of(kHead + claim("one", ", not_testable: needs a trained model")), "");
}

TEST(ClaimsFile, RefusesASideThatIsBothOursAndExternal) {
  const std::string text = std::string(kHead) +
                           "  - {id: x, statement: s, hardware: h, setting: w, metric: speedup, "
                           "value: 1, not_testable: x, contender: {variant: a, external: b}}\n";
  EXPECT_THAT(errors_of(text), HasSubstr("either variant"));
}

TEST(ClaimsFile, SaysSoWhenItIsNoYamlOrCanNotBeRead) {
  EXPECT_THAT(errors_of("paper: [\n"), HasSubstr("not YAML"));
  EXPECT_THROW(load_claims({"/nowhere/claims.yaml"}), std::invalid_argument);
}

TEST(ClaimsFile, AWorkloadOfARunTakesItsNamesFromTheClaim) {
  const auto claims = load_claims({write("claims.yaml", kHead + claim("one"))});
  const std::string text = claim_workload(claims[0].run[0].text, "claim-one", {"a@avx2", "b"}, "b");
  EXPECT_THAT(text, HasSubstr("name: claim-one"));
  EXPECT_THAT(text, HasSubstr("baseline: b"));
  EXPECT_THAT(text, HasSubstr("a@avx2"));
}

// The ids of the research notes, which lie outside this repository, as they were handed over.
std::set<std::string> ids_of_the_notes() {
  std::ifstream file(kRoot + "/tests/workload/claim_ids.txt");
  std::set<std::string> ids;
  for (std::string id; std::getline(file, id);) ids.insert(id);
  return ids;
}

TEST(ClaimsCatalogue, HoldsEveryEntryOfTheResearchNotesAndNoOther) {
  std::set<std::string> ids;
  for (const Claim& claim : load_claims({kRoot + "/configs/claims"})) ids.insert(claim.id);
  EXPECT_EQ(ids_of_the_notes().size(), 426u);
  EXPECT_EQ(ids, ids_of_the_notes());
}

TEST(ClaimsCatalogue, IsOneFilePerPaper) {
  std::map<std::string, std::set<std::string>> files;
  for (const Claim& claim : load_claims({kRoot + "/configs/claims"})) {
    files[claim.paper].insert(claim.file);
  }
  for (const auto& [paper, names] : files) EXPECT_EQ(names.size(), 1u) << paper;
}

TEST(ClaimsCatalogue, SaysOfEveryClaimHowItIsTestedOrWhyNot) {
  for (const Claim& claim : load_claims({kRoot + "/configs/claims"})) {
    const bool runs = !claim.run.empty() || !claim.run_cuda.empty();
    EXPECT_NE(runs, !claim.not_testable.empty()) << claim.id;
    EXPECT_NE(find_claim_metric(claim.metric), nullptr) << claim.id;
    if (claim.source == "derived") {
      EXPECT_EQ(claim.seen, "derived") << claim.id;
    }
  }
}

TEST(GatePolicyFile, ReadsTheShippedPolicy) {
  const GatePolicy policy = load_gate_policy(kRoot + "/configs/gate.yaml");
  EXPECT_EQ(policy.launch_pairs, 10);
  EXPECT_EQ(policy.rerun_pairs, 20);
  EXPECT_DOUBLE_EQ(policy.threshold, 0.03);
  EXPECT_FALSE(policy.thresholds.empty());
}

TEST(GatePolicyFile, RefusesTyposNonsenseAndRulesWithoutAReason) {
  const std::string path = write("gate.yaml",
                                 "treshold: 0.03\nlaunch_pairs: 5\nrounds: 2.5\n"
                                 "ignore: [{rows: '*'}]\nthresholds: [{rows: '*'}]\n");
  try {
    load_gate_policy(path);
    FAIL();
  } catch (const std::invalid_argument& error) {
    EXPECT_THAT(error.what(), HasSubstr(":1:1: gate policy: unknown key \"treshold\"; did you mean "
                                        "\"threshold\"?"));
    EXPECT_THAT(error.what(), HasSubstr("\"launch_pairs\" is 5, must lie in [6"));
    EXPECT_THAT(error.what(), HasSubstr("\"rounds\" must be a whole number"));
    EXPECT_THAT(error.what(), HasSubstr("\"reason\" is missing"));
    EXPECT_THAT(error.what(), HasSubstr("\"threshold\" is missing"));
  }
}

}  // namespace
}  // namespace sb
