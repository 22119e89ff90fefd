#include "cli/roofs.h"

#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <filesystem>

#include "cli/data_dir.h"
#include "cli/exit_code.h"
#include "machine/gpu.h"
#include "machine/peaks.h"
#include "machine/topology.h"
#include "workload/machine_file.h"

namespace sb {
namespace {

void note(bool quiet, const std::string& text) {
  if (!quiet) fmt::print(stderr, "softmax-bench: {}\n", text);
}

std::string name_of_gpu() {
  std::string why;
  const std::unique_ptr<Gpu> gpu = open_gpu(why);
  return gpu ? gpu->info().name : "";
}

std::optional<Peaks> load_cached(const std::string& path, bool quiet) {
  if (std::error_code ignored; !std::filesystem::exists(path, ignored)) return std::nullopt;
  try {
    Peaks peaks = load_peaks(path);
    if (const std::string gpu = name_of_gpu(); !gpu.empty() && gpu != peaks.gpu) {
      throw std::runtime_error(fmt::format("{}: no ceilings of this machine's {}", path, gpu));
    }
    return peaks;
  } catch (const std::exception& error) {
    note(quiet, fmt::format("{}; measuring again", error.what()));
    return std::nullopt;
  }
}

// The cache is a convenience: a machine where it cannot be written measures each time.
void keep(const Peaks& peaks, Roofs& roofs, bool quiet) {
  try {
    save_peaks(peaks, roofs.path);
  } catch (const std::exception& error) {
    note(quiet, fmt::format("the ceilings are not kept: {}", error.what()));
    roofs.path.clear();
  }
}

}  // namespace

Peaks read_roofs(const std::string& path) {
  if (!path.ends_with(".yaml")) {
    try {
      return load_peaks(path);
    } catch (const std::exception& error) {
      throw UsageError(error.what());
    }
  }
  Peaks declared = load_machine(find_file(path));
  for (const CacheLevel& cache : topology().caches) declared.level_bytes.push_back(cache.bytes);
  return declared;
}

Roofs obtain_roofs(const std::string& wanted, bool quiet) {
  Roofs roofs;
  if (wanted == "none") return roofs;
  if (wanted != "auto" && !wanted.empty()) {
    roofs.path = wanted;
    roofs.peaks = read_roofs(wanted);
    return roofs;
  }
  roofs.path = peaks_cache_path();
  roofs.peaks = load_cached(roofs.path, quiet);
  if (roofs.peaks) return roofs;
  note(quiet,
       "measuring this machine's ceilings once, quickly (softmax-bench peaks is more thorough)");
  roofs.peaks = measure_peaks(true);
  keep(*roofs.peaks, roofs, quiet);
  return roofs;
}

}  // namespace sb
