#include "machine/topology.h"

#include <hwloc.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>

namespace sb {
namespace {

std::string cpu_model_of(hwloc_topology_t topology) {
  const hwloc_obj_t package = hwloc_get_obj_by_type(topology, HWLOC_OBJ_PACKAGE, 0);
  const char* model =
      package == nullptr ? nullptr : hwloc_obj_get_info_by_name(package, "CPUModel");
  std::string text = model == nullptr ? "unknown CPU" : model;
  text.erase(0, text.find_first_not_of(' '));
  return text;
}

// One data or unified cache of every depth, innermost first.
std::vector<CacheLevel> caches_of(hwloc_topology_t topology) {
  std::vector<CacheLevel> caches;
  for (hwloc_obj_t obj = hwloc_get_obj_by_type(topology, HWLOC_OBJ_PU, 0); obj != nullptr;
       obj = obj->parent) {
    if (hwloc_obj_type_is_dcache(obj->type) == 0) continue;
    caches.push_back({.level = static_cast<int>(obj->attr->cache.depth),
                      .bytes = static_cast<std::int64_t>(obj->attr->cache.size),
                      .shared_by = hwloc_bitmap_weight(obj->cpuset)});
  }
  return caches;
}

Topology detect() {
  hwloc_topology_t handle = nullptr;
  hwloc_topology_init(&handle);
  hwloc_topology_load(handle);
  const auto count = [&](hwloc_obj_type_t type) {
    return std::max(1, hwloc_get_nbobjs_by_type(handle, type));
  };
  Topology result;
  result.cpu_model = cpu_model_of(handle);
  result.cores = count(HWLOC_OBJ_CORE);
  result.hardware_threads = count(HWLOC_OBJ_PU);
  result.numa_nodes = count(HWLOC_OBJ_NUMANODE);
  result.caches = caches_of(handle);
  result.memory_bytes = static_cast<std::int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE);
  hwloc_topology_destroy(handle);
  return result;
}

}  // namespace

const Topology& topology() {
  static const Topology detected = detect();
  return detected;
}

const std::string& machine_identity() {
  static const std::string identity = [] {
    utsname system{};
    uname(&system);
    const std::string release = system.release;
    return topology().cpu_model + ", " + std::to_string(topology().cores) + " cores, " +
           system.sysname + " " + release.substr(0, release.find('.', release.find('.') + 1));
  }();
  return identity;
}

}  // namespace sb
