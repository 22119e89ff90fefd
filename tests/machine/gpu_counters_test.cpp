// CUPTI as it is called and understood, with a library that is made up; why nothing is counted.
#include "machine/gpu_counters.h"

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

namespace sb {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

#if defined(SB_FAKE_CUPTI)
constexpr const char* kOpen = "initialize chip host metric metric metric config-size config enable";
constexpr int kInsufficientPrivileges = 35;  // CUPTI_ERROR_INSUFFICIENT_PRIVILEGES

class GpuCounters : public ::testing::Test {
 protected:
  GpuCounters() { forget("", 0); }
  ~GpuCounters() override { dlclose(fake_); }

  // What was called; and from now on `failing` fails.
  void forget(const char* failing, int with) const {
    reinterpret_cast<void (*)(const char*, int)>(dlsym(fake_, "fake_cupti_forget"))(failing, with);
  }
  std::string calls() const {
    return reinterpret_cast<const char* (*)()>(dlsym(fake_, "fake_cupti_calls"))();
  }
  std::unique_ptr<CounterSource> open() {
    return open_gpu_counters(why_, {.cupti = SB_FAKE_CUPTI, .driver = SB_FAKE_CUPTI});
  }
  std::string failure_of_a_call() {
    const auto counters = open();
    if (!counters) return why_;
    try {
      counters->start();
      counters->stop();
      return "";
    } catch (const std::runtime_error& error) {
      return error.what();
    }
  }

  void* fake_ = dlopen(SB_FAKE_CUPTI, RTLD_NOW | RTLD_LOCAL);
  std::string why_;
};

TEST_F(GpuCounters, CallCuptiInTheOrderThatItWants) {
  auto counters = open();
  ASSERT_NE(counters, nullptr) << why_;
  counters->start();
  counters->stop();
  counters.reset();
  EXPECT_EQ(calls(), std::string(kOpen) + " image-size image configure start" +
                         " stop decode ranges evaluate evaluate disable end");
}

TEST_F(GpuCounters, AddUpTheKernelsOfACallAndLeaveOutWhatTheChipHasNot) {
  const auto counters = open();
  ASSERT_NE(counters, nullptr) << why_;
  counters->start();
  const std::vector<CounterValue> values = counters->stop();
  ASSERT_EQ(values.size(), 3u);
  EXPECT_EQ(values[0].name, counter::kDramBytesRead);
  EXPECT_EQ(values[0].value, 1000 + 1001);
  EXPECT_EQ(values[0].unit, "B");
  EXPECT_EQ(values[1].name, counter::kDramBytesWritten);
  EXPECT_EQ(values[1].value, 64 + 65);
  EXPECT_EQ(values[2].name, counter::kL2Sectors);
  EXPECT_EQ(values[2].unit, "");
}

TEST_F(GpuCounters, CountEveryCallAnew) {
  const auto counters = open();
  ASSERT_NE(counters, nullptr) << why_;
  for (int call = 0; call < 2; ++call) {
    counters->start();
    EXPECT_EQ(counters->stop()[0].value, 2001);
  }
}

TEST_F(GpuCounters, SayWhoMayCountWhereTheDriverRefuses) {
  for (const char* function : {"initialize", "enable", "configure", "start", "stop"}) {
    forget(function, kInsufficientPrivileges);
    EXPECT_THAT(failure_of_a_call(), AllOf(HasSubstr("ERR_NVGPUCTRPERM"), HasSubstr("run as root")))
        << function;
  }
}

TEST_F(GpuCounters, NameTheFunctionThatFailed) {
  forget("enable", 7);
  EXPECT_EQ(failure_of_a_call(), "cuptiRangeProfilerEnable failed with CUPTI's error 7");
  EXPECT_EQ(calls(), std::string(kOpen) + " end") << "what was opened is closed";
}

TEST_F(GpuCounters, TakeNoFiguresOfHalfACall) {
  forget("dropped", 0);
  EXPECT_EQ(failure_of_a_call(), "a call of too many kernels");
  forget("nothing", 0);
  EXPECT_EQ(failure_of_a_call(), "CUPTI saw no kernel");
}

TEST_F(GpuCounters, WantAContext) {
  forget("cuCtxGetCurrent", 0);
  EXPECT_EQ(open(), nullptr);
  EXPECT_EQ(why_, "no kernel has run on a GPU");
}

TEST_F(GpuCounters, SayWhatIsNotInstalled) {
  EXPECT_EQ(open_gpu_counters(why_, {.cupti = "libno_cupti.so", .driver = SB_FAKE_CUPTI}), nullptr);
  EXPECT_EQ(why_, "libno_cupti.so is not installed");
  EXPECT_EQ(open_gpu_counters(why_, {.cupti = SB_FAKE_CUPTI, .driver = "libno_driver.so"}),
            nullptr);
  EXPECT_EQ(why_, "libno_driver.so is not installed");
}

TEST_F(GpuCounters, SayWhatALibraryLacks) {
  EXPECT_EQ(open_gpu_counters(why_, {.cupti = "libm.so.6", .driver = SB_FAKE_CUPTI}), nullptr);
  EXPECT_EQ(why_, "libm.so.6 has no cuptiProfilerInitialize");
}
#else
TEST(GpuCounters, SayThatTheyWereNotBuilt) {
  std::string why;
  EXPECT_EQ(open_gpu_counters(why), nullptr);
  EXPECT_THAT(why, HasSubstr("without the headers of CUPTI"));
}
#endif

}  // namespace
}  // namespace sb
