#include "machine/affinity.h"

#include <hwloc.h>
#include <omp.h>
#include <sched.h>

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

}  // namespace

bool pin_team(int threads) {
  static const std::vector<unsigned> places = order_of_places();
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
