#include "machine/topology.h"

#include <gtest/gtest.h>

#include "core/processor.h"

namespace sb {
namespace {

TEST(Topology, CachesAreThoseThatKernelsAreToldOf) {
  int compared = 0;
  for (const CacheLevel& cache : topology().caches) {
    if (cache.level < 2 || cache_bytes(cache.level) == 0) continue;
    EXPECT_EQ(cache_bytes(cache.level), static_cast<double>(cache.bytes)) << cache.level;
    ++compared;
  }
  if (compared == 0) GTEST_SKIP() << "Linux says no cache sizes here";
}

TEST(Processor, KnowsNoCachesBeyondTheThirdLevel) {
  EXPECT_EQ(cache_bytes(1), 0);
  EXPECT_EQ(cache_bytes(4), 0);
}

}  // namespace
}  // namespace sb
