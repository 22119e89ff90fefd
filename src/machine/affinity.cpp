#include "machine/affinity.h"

#include <hwloc.h>
#include <omp.h>
#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <vector>

namespace sb {
namespace {

// Operating-system numbers of the allowed hardware threads: the first of every core, then the
// second of every core, ... so that a small team never shares a core.
std::vector<unsigned> order_of_places() {
  hwloc_topology_t topology = nullptr;
  hwloc_topology_init(&topology);
  hwloc_topology_load(topology);
  std::vector<unsigned> places;
  const int cores = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_CORE);
  const int pus = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PU);
  for (unsigned rank = 0; places.size() < static_cast<std::size_t>(pus) && cores > 0; ++rank) {
    for (int c = 0; c < cores; ++c) {
      const hwloc_obj_t core =
          hwloc_get_obj_by_type(topology, HWLOC_OBJ_CORE, static_cast<unsigned>(c));
      const hwloc_obj_t pu =
          hwloc_get_obj_inside_cpuset_by_type(topology, core->cpuset, HWLOC_OBJ_PU, rank);
      if (pu != nullptr) places.push_back(pu->os_index);
    }
  }
  hwloc_topology_destroy(topology);
  return places;
}

const std::vector<unsigned>& places_here() {
  static const std::vector<unsigned> places = order_of_places();
  return places;
}

// Of the process and its descendants: a command may be a script that starts the program proper.
std::vector<pid_t> threads_of(int process) {
  std::vector<pid_t> threads;
  std::error_code gone;  // a thread may end while we look
  const std::string tasks = "/proc/" + std::to_string(process) + "/task";
  for (const auto& entry : std::filesystem::directory_iterator(tasks, gone)) {
    threads.push_back(static_cast<pid_t>(std::stol(entry.path().filename().string())));
    std::ifstream children(entry.path() / "children");
    for (int child = 0; children >> child;) {
      const std::vector<pid_t> more = threads_of(child);
      threads.insert(threads.end(), more.begin(), more.end());
    }
  }
  return threads;
}

}  // namespace

std::vector<int> team_cpus(int threads) {
  std::vector<int> cpus;
  const auto& places = places_here();
  for (std::size_t i = 0; i < std::min(static_cast<std::size_t>(threads), places.size()); ++i) {
    cpus.push_back(static_cast<int>(places[i]));
  }
  return cpus;
}

bool confine(int process, const std::vector<int>& cpus) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int cpu : cpus) CPU_SET(static_cast<std::size_t>(cpu), &set);
  const std::vector<pid_t> threads = threads_of(process);
  return !threads.empty() && std::all_of(threads.begin(), threads.end(), [&](pid_t thread) {
    return sched_setaffinity(thread, sizeof set, &set) == 0 || errno == ESRCH;
  });
}

std::vector<int> cpus_outside(int process, const std::vector<int>& cpus) {
  std::vector<int> outside;
  for (const pid_t thread : threads_of(process)) {
    cpu_set_t set;
    if (sched_getaffinity(thread, sizeof set, &set) != 0) continue;
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (!CPU_ISSET(static_cast<std::size_t>(cpu), &set)) continue;
      const auto is = [cpu](const std::vector<int>& list) {
        return std::find(list.begin(), list.end(), cpu) != list.end();
      };
      if (!is(cpus) && !is(outside)) outside.push_back(cpu);
    }
  }
  return outside;
}

bool pin_team(int threads) {
  const std::vector<unsigned>& places = places_here();
  if (places.empty()) return false;
  bool pinned = true;
#pragma omp parallel num_threads(threads) reduction(&& : pinned)
  {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(places[static_cast<std::size_t>(omp_get_thread_num()) % places.size()], &set);
    pinned = sched_setaffinity(0, sizeof set, &set) == 0;
  }
  return pinned;
}

}  // namespace sb
