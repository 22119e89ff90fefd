#include "machine/turns.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>

namespace sb {
namespace {

class TurnsTest : public testing::Test {
 protected:
  TurnsTest() : file_(testing::TempDir() + "turns-" + std::to_string(::getpid())) {}
  ~TurnsTest() override { std::filesystem::remove(file_); }

  std::string file_;
};

// Locks of two openings of one file exclude each other within a process as well as between two.
TEST_F(TurnsTest, TheOtherWaitsUntilTheHolderPassesAndThenTheHolderWaits) {
  constexpr int kRounds = 20;
  std::string log;   // by whoever has the turn
  std::mutex mutex;  // for ThreadSanitizer, which does not know flock
  const auto play = [&](char name) {
    const Turns turns(file_);
    for (int round = 0; round < kRounds; ++round) {
      {
        const std::lock_guard lock(mutex);
        log += name;
      }
      turns.pass();
    }
  };
  std::thread other;
  {
    const Turns turns(file_);
    other = std::thread(play, 'b');
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    const std::lock_guard lock(mutex);
    EXPECT_EQ(log, "");
  }
  play('a');
  other.join();
  EXPECT_EQ(log.size(), 2u * kRounds);
  EXPECT_NE(log.find("ab"), std::string::npos);
  EXPECT_NE(log.find("ba"), std::string::npos);
}

TEST_F(TurnsTest, AloneNobodyWaits) {
  const Turns turns(file_);
  turns.pass();
  turns.pass();
}

TEST_F(TurnsTest, AFileThatCannotBeOpenedIsNamed) {
  try {
    const Turns turns("/nonexistent/turns");
    FAIL();
  } catch (const std::system_error& error) {
    EXPECT_NE(std::string(error.what()).find("/nonexistent/turns"), std::string::npos);
  }
}

}  // namespace
}  // namespace sb
