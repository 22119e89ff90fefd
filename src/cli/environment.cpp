#include "cli/environment.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/utsname.h>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <ctime>
#include <fstream>

#include "build_info.h"
#include "cli/data_dir.h"
#include "cli/peers.h"
#include "core/isa.h"
#include "core/row.h"
#include "machine/gpu.h"
#include "machine/topology.h"

extern char** environ;

namespace sb {
namespace {

// First line of a file of the kernel; null where it has none (a VM has no governor).
nlohmann::json first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) return nullptr;
  return line;
}

nlohmann::ordered_json machine() {
  const Topology& t = topology();
  nlohmann::ordered_json caches = nlohmann::ordered_json::array();
  for (const CacheLevel& cache : t.caches) {
    caches.push_back(
        {{"level", cache.level}, {"bytes", cache.bytes}, {"shared_by", cache.shared_by}});
  }
  return {{"identity", machine_identity()},
          {"cpu", t.cpu_model},
          {"cores", t.cores},
          {"hardware_threads", t.hardware_threads},
          {"numa_nodes", t.numa_nodes},
          {"memory_bytes", t.memory_bytes},
          {"caches", caches}};
}

nlohmann::ordered_json instruction_sets() {
  nlohmann::ordered_json sets;
  for (const Isa isa : {Isa::kScalar, Isa::kAvx2, Isa::kAvx512, Isa::kAmx, Isa::kCuda}) {
    const std::string why = why_isa_unavailable(isa);
    sets[std::string(name_of(isa))] = why.empty() ? "available" : why;
  }
  return sets;
}

// What moves clocks and memory, as far as the kernel tells.
nlohmann::ordered_json system_settings() {
  utsname kernel{};
  uname(&kernel);
  const std::string cpu = "/sys/devices/system/cpu/";
  return {{"os", kernel.sysname},
          {"kernel", kernel.release},
          {"architecture", kernel.machine},
          {"load_average", first_line("/proc/loadavg")},
          {"governor", first_line(cpu + "cpu0/cpufreq/scaling_governor")},
          {"no_turbo", first_line(cpu + "intel_pstate/no_turbo")},
          {"boost", first_line(cpu + "cpufreq/boost")},
          {"smt", first_line(cpu + "smt/control")},
          {"transparent_hugepages", first_line("/sys/kernel/mm/transparent_hugepage/enabled")},
          {"aslr", first_line("/proc/sys/kernel/randomize_va_space")},
          {"cgroup_cpu_max", first_line("/sys/fs/cgroup/cpu.max")},
          {"cgroup_memory_max", first_line("/sys/fs/cgroup/memory.max")}};
}

// Variables that change what a run does.
nlohmann::ordered_json variables() {
  nlohmann::ordered_json set = nlohmann::ordered_json::object();
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const std::size_t equals = text.find('=');
    for (const char* prefix : {"SOFTMAX_BENCH_", "OMP_", "GOMP_"}) {
      if (text.starts_with(prefix)) set[text.substr(0, equals)] = text.substr(equals + 1);
    }
  }
  return set;
}

}  // namespace

Provenance provenance(const std::string& run_id) {
  return {run_id, build_info::kGitSha, build_info::kCompiler, machine_identity()};
}

nlohmann::ordered_json gpu_identity() {
  try {
    std::string why;
    const std::unique_ptr<Gpu> gpu = open_gpu(why);
    if (!gpu) return {{"reason", why}};
    const GpuInfo& info = gpu->info();
    return {{"name", info.name},
            {"multiprocessors", info.multiprocessors},
            {"clock_mhz", info.clock_mhz},
            {"l2_bytes", info.l2_bytes},
            {"memory_bytes", info.memory_bytes},
            {"cuda_driver", info.driver},
            {"cuda_runtime", info.runtime}};
  } catch (const std::exception& error) {
    return {{"reason", error.what()}};
  }
}

nlohmann::ordered_json environment() {
  return {{"schema_version", kSchemaVersion},
          {"date", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)))},
          {"program",
           {{"version", build_info::kVersion},
            {"git_sha", build_info::kGitSha},
            {"compiler", build_info::kCompiler},
            {"flags", build_info::kFlags},
            {"build_type", build_info::kBuildType},
            {"path", program_path().string()},
            {"data", data_dir().string()}}},
          {"machine", machine()},
          {"isa", instruction_sets()},
          {"gpu", gpu_identity()},
          {"system", system_settings()},
          {"variables", variables()},
          {"peers", started_peers()}};
}

std::string version_text() {
  return fmt::format("softmax-bench {} (commit {}, {})", build_info::kVersion, build_info::kGitSha,
                     build_info::kCompiler);
}

}  // namespace sb
