// What this machine is, as hwloc sees it: names, counts, caches.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sb {

struct CacheLevel {
  int level = 1;           // 1 = L1 data
  std::int64_t bytes = 0;  // of one cache
  int shared_by = 1;       // hardware threads that share one
};

struct Topology {
  std::string cpu_model;
  int cores = 1;             // that this process may use
  int hardware_threads = 1;  // that this process may use
  int numa_nodes = 1;
  std::int64_t memory_bytes = 0;
  std::vector<CacheLevel> caches;  // data and unified, innermost first; may be empty

  std::int64_t last_level_bytes() const { return caches.empty() ? 0 : caches.back().bytes; }
};

const Topology& topology();  // detected once

// "Intel(R) Xeon(R) Processor, 2 cores, Linux 6.1": what a row's host and a peaks file carry.
const std::string& machine_identity();

}  // namespace sb
