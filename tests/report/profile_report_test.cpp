#include "report/profile_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace sb {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// A case of two passes on two threads, in memory: 1000 bytes read in 40 ns, then 1000 read and 1000
// written in 50 ns of 100.
CaseProfile two_passes() {
  CaseProfile profile{.name = "w/softmax/two_pass@avx512/f32/cols=250;rows=1/t2/cold"};
  profile.row.status = "ok";
  profile.row.op = "softmax";
  profile.row.threads = 2;
  profile.row.bytes_algorithm = 3000;
  profile.level = "mem";
  profile.bytes_written = 1000;
  profile.call_ns = 95;
  profile.marked_ns = 100;
  profile.phases = {{.name = "pass 1: sum",
                     .calls = 2,
                     .threads = 2,
                     .self_ns = 80,
                     .span_ns = 80,
                     .traffic = {.read = 1000},
                     .roof_id = "mem/read/t2",
                     .floor_ns = 20},
                    {.name = "pass 2: write",
                     .calls = 2,
                     .threads = 2,
                     .self_ns = 100,
                     .span_ns = 100,
                     .traffic = {.read = 1000, .written = 1000},
                     .roof_id = "mem/triad/t2",
                     .floor_ns = 45}};
  profile.spans = {{.name = "pass 1: sum", .end_ns = 40, .traffic = {.read = 500}},
                   {.name = "pass 1: sum", .thread = 1, .end_ns = 40, .traffic = {.read = 500}}};
  return profile;
}

TEST(ProfileText, ShowsShareTimeAndRatesOfAPhase) {
  const std::string text = profile_text(two_passes());
  EXPECT_THAT(text, HasSubstr("pass 1: sum         40.0 %  40.00 ns"));
  EXPECT_THAT(text, HasSubstr("25.0         -   50.0 % of mem/read/t2\n"));
  EXPECT_THAT(text, HasSubstr("outside phases      10.0 %"));
}

TEST(ProfileText, NamesWhatBindsAPhaseThatIsNearItsRoof) {
  EXPECT_THAT(profile_text(two_passes()),
              HasSubstr("90.0 % of mem/triad/t2: bound by loads and stores"));
  CaseProfile stores = two_passes();
  stores.phases[1].traffic.read = 0;
  EXPECT_THAT(profile_text(stores), HasSubstr(": bound by stores"));
}

TEST(ProfileText, AKernelWithoutMarksSaysSo) {
  CaseProfile profile = two_passes();
  profile.phases.clear();
  EXPECT_THAT(profile_text(profile), AllOf(HasSubstr("marks no phases"), Not(HasSubstr("share"))));
}

TEST(ProfileText, ShowsCountersAndWhatFollowsFromThem) {
  CaseProfile profile = two_passes();
  profile.counted_by = "fake";
  profile.counters = {{"cycles", 200, ""}, {"instructions", 500, ""}, {"memory_bytes", 4e9, "B"}};
  EXPECT_THAT(profile_text(profile),
              HasSubstr("counted by fake: cycles 200, instructions 500, memory_bytes 4e+09 B; "
                        "2.50 instructions per cycle"));
}

TEST(ProfileText, SumsUpByReasonWhatWasNotProfiled) {
  CaseProfile skipped;
  skipped.row.status = "skipped";
  skipped.row.reason = "no AVX-512";
  EXPECT_EQ(profile_text(skipped), "");
  EXPECT_EQ(left_out_text({two_passes(), skipped, skipped}), "2 x skipped: no AVX-512\n");
}

Audit audited(double memory_bytes, const std::string& level = "mem") {
  CaseProfile profile = two_passes();
  profile.level = level;
  profile.counters = {{"llc_misses", 1, ""}, {"memory_bytes", memory_bytes, "B"}};
  return audit_of(profile);
}

TEST(AuditOfAModel, AgreesWithin15PercentOfModelOrModelWithWriteAllocate) {
  EXPECT_EQ(audited(3000).verdict, "agrees");
  EXPECT_EQ(audited(3440).verdict, "agrees");
  EXPECT_EQ(audited(4500).verdict, "agrees, with write-allocate");
  EXPECT_THAT(audited(4700).verdict, HasSubstr("UNAUDITED: more"));
  EXPECT_THAT(audited(2500).verdict, HasSubstr("UNAUDITED: less"));
}

TEST(AuditOfAModel, JudgesNothingThatACacheMayServe) {
  EXPECT_THAT(audited(10, "L2").verdict, HasSubstr("operands in L2"));
}

TEST(AuditOfAModel, TakesMissesWhereMemoryTrafficIsNotCounted) {
  CaseProfile profile = two_passes();
  profile.counters = {{"llc_misses", 50, ""}};
  EXPECT_EQ(audit_of(profile).counted, 3200);
  EXPECT_EQ(audit_of(profile).counter, "llc_misses x 64 B");
  profile.counters.clear();
  EXPECT_EQ(audit_of(profile).verdict, "not counted");
}

TEST(AuditText, SaysWhyThereIsNone) {
  EXPECT_EQ(audit_text({two_passes()}, "no PMU"), "No audit of the byte models: no PMU.\n");
}

TEST(ChromeTrace, HasAProcessItsThreadsAndASlicePerCaseAndPhase) {
  const nlohmann::json trace = nlohmann::json::parse(chrome_trace({two_passes()}, "here"));
  std::map<std::string, int> kinds;
  for (const auto& event : trace.at("traceEvents")) {
    ++kinds[event.value("cat", event.at("name"))];
    EXPECT_TRUE(event.at("pid").is_number() && event.at("tid").is_number());
    if (event.at("ph") == "X") {
      EXPECT_GE(event.at("dur").get<double>(), 0);
    }
  }
  EXPECT_EQ(kinds, (std::map<std::string, int>{
                       {"process_name", 1}, {"thread_name", 2}, {"case", 1}, {"phase", 2}}));
}

TEST(ChromeTrace, CarriesTrafficAndCountersAsArguments) {
  CaseProfile profile = two_passes();
  profile.counters = {{"cycles", 200, ""}};
  const nlohmann::json events =
      nlohmann::json::parse(chrome_trace({profile}, "here"))["traceEvents"];
  EXPECT_EQ(events[3]["args"]["cycles"], 200);
  EXPECT_EQ(events[4]["args"]["bytes_read"], 500);
  EXPECT_DOUBLE_EQ(events[4]["args"]["gb_per_s"], 12.5);
  EXPECT_DOUBLE_EQ(events[4]["dur"], 0.04);  // microseconds
}

}  // namespace
}  // namespace sb
