#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <stdexcept>

#include "machine/peak_kernels.h"
#include "machine/peaks.h"
#include "machine/topology.h"

namespace sb {
namespace {

using ::testing::HasSubstr;

class PeaksFile : public ::testing::Test {
 protected:
  void SetUp() override { std::filesystem::remove(path_); }
  void TearDown() override { std::filesystem::remove(path_); }

  static Peaks some_peaks() {
    return {
        .identity = machine_identity(),
        .date = "2026-01-01T00:00:00Z",
        .level_bytes = {32768, 1048576},
        .roofs = {
            {.id = "mem/read/t2", .level = "mem", .kind = "read", .threads = 2, .value = 1.5e10}}};
  }
  std::string error_of_loading() const {
    try {
      load_peaks(path_);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "";
  }

  const std::string path_ =
      std::filesystem::temp_directory_path() / ("sb_peaks_" + std::to_string(getpid()) + ".json");
};

TEST_F(PeaksFile, GivesBackWhatWasSaved) {
  save_peaks(some_peaks(), path_);
  const Peaks loaded = load_peaks(path_);
  EXPECT_EQ(loaded.level_bytes, some_peaks().level_bytes);
  ASSERT_NE(loaded.find("mem/read/t2"), nullptr);
  EXPECT_EQ(loaded.find("mem/read/t2")->value, 1.5e10);
  EXPECT_EQ(loaded.find("mem/read/t2")->source, "measured");
}

TEST_F(PeaksFile, OfAnotherMachineIsRefusedWithTheCure) {
  Peaks foreign = some_peaks();
  foreign.identity = "Z80, 1 core";
  save_peaks(foreign, path_);
  EXPECT_THAT(error_of_loading(), HasSubstr("another machine (Z80, 1 core)"));
  EXPECT_THAT(error_of_loading(), HasSubstr("softmax-bench peaks"));
}

TEST_F(PeaksFile, ThatIsCorruptOrMissingIsRefusedWithItsName) {
  EXPECT_THAT(error_of_loading(), HasSubstr(path_));
  for (const char* text : {"", "{", "[]", "{\"version\": 1}", "{\"version\": 99}"}) {
    std::ofstream(path_) << text;
    EXPECT_THAT(error_of_loading(), HasSubstr(path_)) << text;
  }
}

TEST_F(PeaksFile, CannotBeSavedWhereNothingCanBeWritten) {
  EXPECT_THROW(save_peaks(some_peaks(), "/dev/null/peaks.json"), std::runtime_error);
}

// Each pass does what its name says, in whatever order it walks through the arrays; the loops that
// only read have nothing to show.
TEST(StreamKernels, ComputeWhatTheirNamesSay) {
  constexpr std::int64_t n = 128 * 83;  // leaves a rest for every number of runs but one
  for (const StreamKernel& kernel : stream_kernels()) {
    for (const int runs : {1, 2, 4, 8}) {
      alignas(64) double a[n] = {};
      alignas(64) double b[n];
      alignas(64) double c[n];
      for (int i = 0; i < n; ++i) {
        b[i] = i;
        c[i] = 100 * i;
      }
      pass_in_runs(kernel, runs, a, b, c, n);
      for (int i = 0; i < n; ++i) {
        const double expected = kernel.kind.starts_with("copy")    ? b[i]
                                : kernel.kind.starts_with("triad") ? b[i] + 3 * c[i]
                                : kernel.kind.starts_with("write") ? 3
                                                                   : 0;
        ASSERT_EQ(a[i], expected) << kernel.kind << " " << i << ", runs: " << runs;
      }
    }
  }
}

}  // namespace
}  // namespace sb
