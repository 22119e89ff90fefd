// Kernels that die, hang or lose their device.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <map>

#include "fake_run.h"
#include "program.h"
#include "report/csv.h"
#include "report/csv_text.h"

namespace sb {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST(Isolated, KernelsThatDieCostTheirOwnRowsOnly) {
  const Workspace space;
  space.write("w.yaml", workload("\"*\"", "timeout: 0.3\nbaseline: right\n"));
  const Finished run = space.run({"run", "w.yaml", "--isolate", "case", "--out", "o"});
  EXPECT_EQ(run.exit_code, 3) << run.err;
  const std::map<std::string, std::string> expected = {{"right", ""},
                                                       {"also_right", ""},
                                                       {"changing", ""},
                                                       {"marked", ""},
                                                       {"loses_device", "crashed"},
                                                       {"slow", ""},
                                                       {"wrong", "incorrect"},
                                                       {"throws", "crashed"},
                                                       {"unmakeable", "crashed"},
                                                       {"aborts", "crashed"},
                                                       {"segfaults", "crashed"},
                                                       {"exits", "crashed"},
                                                       {"dies_later", "crashed"},
                                                       {"hangs", "timeout"},
                                                       {"refuses", "skipped"}};
  const std::vector<Row> rows = rows_of(space, "o/results.csv");
  EXPECT_THAT(rows, SizeIs(2 * expected.size()));
  for (const Row& row : rows) {
    const std::string& status = expected.at(row.variant);
    if (status.empty()) {
      EXPECT_TRUE(row.time_median_ns && row.speedup) << row.variant << " " << row.status;
    } else {
      EXPECT_EQ(row.status, status) << row.variant;
      EXPECT_FALSE(row.reason.empty());
      EXPECT_FALSE(row.time_median_ns);
    }
    EXPECT_THAT(row.repro, HasSubstr(row.variant));
    if (row.variant == "segfaults") {
      EXPECT_THAT(row.reason, HasSubstr("signal 11"));
    }
    if (row.variant == "hangs") {
      EXPECT_THAT(row.reason, HasSubstr("0.3 s"));
    }
  }
  EXPECT_EQ(parse_csv(space.read("o/samples.csv")).size(), 1 + 10 * 6);
}

TEST(Isolated, WorkersDoNotOutliveTheirParent) {
  const Workspace space;
  space.write("w.yaml", workload("hangs"));
  const pid_t pid = space.start({"run", "w.yaml", "--isolate", "case", "--out", "o"});
  const std::string children =
      "/proc/" + std::to_string(pid) + "/task/" + std::to_string(pid) + "/children";
  pid_t worker = 0;
  ASSERT_TRUE(eventually([&] { return static_cast<bool>(std::ifstream(children) >> worker); }));
  kill(pid, SIGKILL);
  space.wait(pid);
  EXPECT_TRUE(eventually([&] { return kill(worker, 0) != 0; }));
}

TEST(Isolation, CostsALostDeviceOneRow) {
  const Workspace space;
  space.write("w.yaml", workload("right, loses_device, also_right"));
  EXPECT_EQ(space.run({"run", "w.yaml", "--isolate", "case", "--out", "o"}).exit_code, 4);
  for (const Row& row : rows_of(space, "o/results.csv")) {
    const bool lost = row.variant == "loses_device";
    EXPECT_EQ(row.time_median_ns.has_value(), !lost) << row.variant << " " << row.status;
    if (lost) {
      EXPECT_EQ(row.status, "crashed");
      EXPECT_EQ(row.reason,
                "the kernel left its device unusable: an illegal memory access was encountered");
    }
  }
}

TEST(Run, SkipsWhatComesAfterALostDeviceAndNamesTheKernelThatLostIt) {
  const Workspace space;
  space.write("w.yaml", workload("loses_device"));
  std::string second = workload("right");
  second.replace(second.find("name: w"), 7, "name: v");
  space.write("v.yaml", second);
  EXPECT_EQ(space.run({"run", "w.yaml", "v.yaml", "--out", "o"}).exit_code, 4);
  int skipped = 0;
  for (const Row& row : rows_of(space, "o/results.csv")) {
    if (row.variant != "right") continue;
    ++skipped;
    EXPECT_EQ(row.status, "skipped");
    EXPECT_THAT(row.reason, HasSubstr("twice/loses_device@scalar left the device unusable"));
    EXPECT_THAT(row.reason, HasSubstr("--isolate case"));
  }
  EXPECT_GT(skipped, 0);
}

}  // namespace
}  // namespace sb
