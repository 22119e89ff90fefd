// Stacks of CUDA threads: guarded, or refused.
#include "simt/fiber.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <system_error>

namespace sb::simt {
namespace {

int pages_left = 0;

// As the kernel answers once a process has as many mappings as it may.
int protect_some(void* page, std::size_t bytes, int protection) {
  if (pages_left-- > 0) return mprotect(page, bytes, protection);
  errno = ENOMEM;
  return -1;
}

void never_runs() {}

TEST(StackPool, RefusesStacksWithoutAGuardPage) {
  StackPool pool(protect_some);
  pages_left = 2;
  try {
    pool.reserve(5);
    FAIL() << "a stack was handed out unguarded";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code().value(), ENOMEM);
    EXPECT_THAT(error.what(), ::testing::HasSubstr("no guard page below stack 3 of 5"));
    EXPECT_THAT(error.what(), ::testing::HasSubstr("vm.max_map_count"));
  }
}

TEST(StackPool, GivesStacksAfterARefusal) {
  StackPool pool(protect_some);
  pages_left = 0;
  EXPECT_THROW(pool.reserve(2), std::system_error);
  pages_left = 2;
  pool.reserve(2);
  Fiber fiber;
  pool.prepare(fiber, 1, never_runs);
  EXPECT_TRUE(on_stack_of(fiber, fiber.stack_pointer));
}

TEST(StackPoolDeathTest, EndsAProgramThatOverrunsAStack) {
  StackPool pool;
  pool.reserve(2);
  Fiber fiber;
  pool.prepare(fiber, 1, never_runs);
  volatile std::byte* const low = fiber.low;
  *low = std::byte{1};
  EXPECT_DEATH(*(low - 1) = std::byte{1}, "");
}

}  // namespace
}  // namespace sb::simt
