#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "machine/perf_events.h"

namespace sb {
namespace {

namespace fs = std::filesystem;

// A folder laid out as /sys/bus/event_source/devices is.
class Devices : public ::testing::Test {
 protected:
  Devices() {
    std::string name = fs::temp_directory_path() / "sb_devices_XXXXXX";
    path_ = mkdtemp(name.data());
  }
  ~Devices() override { fs::remove_all(path_); }

  void write(const std::string& file, const std::string& text) const {
    fs::create_directories((path_ / file).parent_path());
    std::ofstream(path_ / file) << text << "\n";
  }

  void add_controller(const std::string& name, const std::string& read) const {
    write(name + "/type", "17");
    write(name + "/cpumask", "0,24");
    write(name + "/events/cas_count_read", read);
    write(name + "/events/cas_count_read.scale", "6.103515625e-5");
  }

  fs::path path_;
};

TEST_F(Devices, AnAbsentFolderHasNoEvents) {
  EXPECT_TRUE(memory_controller_events(path_ / "absent").empty());
}

TEST_F(Devices, AControllerGivesAnEventPerSocketInBytes) {
  add_controller("uncore_imc_0", "event=0x04,umask=0x03");
  write("cpu/type", "4");
  const std::vector<PerfEvent> events = memory_controller_events(path_);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].name, "cas_count_read");
  EXPECT_EQ(events[0].type, 17u);
  EXPECT_EQ(events[0].config, 0x304u);
  EXPECT_DOUBLE_EQ(events[0].scale, 64);  // a line of cache per count
  EXPECT_EQ(events[0].cpu, 0);
  EXPECT_EQ(events[1].cpu, 24);
}

TEST_F(Devices, AnUnknownLayoutIsLeftOut) {
  add_controller("uncore_imc_0", "event=0x04,edge=1");
  EXPECT_TRUE(memory_controller_events(path_).empty());
}

}  // namespace
}  // namespace sb
