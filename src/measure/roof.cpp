#include "measure/roof.h"

#include <algorithm>
#include <array>

namespace sb {
namespace {

// A set a little larger than a cache still lies in it for the most part. Up to 1.25 capacities at
// least four fifths can come from inside, and those take longer than the rest takes from outside
// (L2 at 112 GB/s, L3 at 26: up to 1.3 capacities); so the level inside sets the floor.
constexpr double kOverfull = 1.25;

// A declared roof may stand for either device.
bool stands_over(const Roof& roof, Device device) {
  return roof.device.empty() || roof.device == name_of(device);
}

// The fastest bandwidth roof of the level for this thread count. A kernel that reads much and
// writes little may come near the read roof, one that copies near the copy roof; dividing by the
// fastest of them never says more than 100 % for honest work.
const Roof* bandwidth_roof(const Peaks& peaks, const std::string& level, Device device, int threads,
                           bool streams) {
  const Roof* best = nullptr;
  for (const Roof& roof : peaks.roofs) {
    if (roof.is_flops || roof.level != level || roof.threads != threads) continue;
    if (!stands_over(roof, device)) continue;
    if (roof.kind.ends_with("_nt") && !streams) continue;
    if (roof.kind == "write" || roof.kind == "write_nt") continue;
    if (best == nullptr || roof.value > best->value) best = &roof;
  }
  return best;
}

// A GPU has one set of roofs.
int threads_of(const Variant& variant, const Problem& problem) {
  return variant.device == Device::kCuda ? 1 : problem.threads;
}

// Arithmetic happens in f32 for every storage type but f64; a bf16 dot product has its own roof.
const Roof* flop_roof(const Peaks& peaks, const Variant& variant, const Problem& problem) {
  const Roof* best = nullptr;
  const bool wide = problem.dtype == Dtype::kF64;
  for (const Roof& roof : peaks.roofs) {
    if (!roof.is_flops || roof.threads != threads_of(variant, problem)) continue;
    if (!stands_over(roof, variant.device)) continue;
    if (variant.isa != Isa::kNative && roof.isa != name_of(variant.isa)) continue;
    const bool fits = roof.dtype == (wide ? "f64" : "f32") ||
                      (problem.dtype == Dtype::kBf16 && roof.dtype == "bf16") ||
                      (problem.dtype == Dtype::kF16 && roof.kind == "mma" && roof.dtype == "f16");
    if (fits && (best == nullptr || roof.value > best->value)) best = &roof;
  }
  return best;
}

double footprint_of(const Group& group) {
  double footprint = 0;
  for (const TensorSpec& spec : group.op->tensors(group.problem)) {
    footprint += static_cast<double>(spec.allocated());
  }
  return footprint;
}

std::string gpu_level_of(double bytes, const Group& group, const Peaks& peaks) {
  const bool cold = group.cache == CacheState::kCold;
  return !cold && bytes <= static_cast<double>(peaks.gpu_l2_bytes) ? "L2" : "mem";
}

// As a row names it: a vendor's figure is not a measured one.
std::string named(const Roof& roof) {
  return roof.source == "measured" ? roof.id : roof.id + " (" + roof.source + ")";
}

}  // namespace

std::string level_of(double bytes, const Group& group, const Peaks& peaks) {
  if (group.cache == CacheState::kCold) return "mem";
  constexpr std::array<const char*, 3> kNames = {"L1", "L2", "L3"};
  for (std::size_t i = 0; i < std::min(peaks.level_bytes.size(), kNames.size()); ++i) {
    // L1 and L2 belong to one core each; what lies further out is shared.
    const double capacity = static_cast<double>(peaks.level_bytes[i]) *
                            (i < 2 ? static_cast<double>(group.problem.threads) : 1.0);
    if (bytes <= kOverfull * capacity) return kNames[i];
  }
  return "mem";
}

std::string level_of(const Group& group, const Peaks& peaks) {
  return level_of(footprint_of(group), group, peaks);
}

const Roof* traffic_roof(const Peaks& peaks, const std::string& level, int threads, bool streams,
                         Traffic traffic) {
  const auto fits = [&](std::string_view kind) {
    const bool past_caches = kind.ends_with("_nt");
    if (past_caches) kind.remove_suffix(3);
    if (traffic.written == 0) return kind == "read";
    if (past_caches && !streams) return false;
    return traffic.read == 0 ? kind == "write" : kind == "copy" || kind == "triad";
  };
  const Roof* best = nullptr;
  for (const Roof& roof : peaks.roofs) {
    if (roof.is_flops || roof.level != level || roof.threads != threads) continue;
    if (!stands_over(roof, Device::kCpu)) continue;  // phases are marked by kernels of the CPU
    if (fits(roof.kind) && (best == nullptr || roof.value > best->value)) best = &roof;
  }
  return best;
}

Bound binding_roof(const Group& group, const Variant& variant, double bytes_algorithm, double flops,
                   const Peaks& peaks) {
  const std::string level = variant.device == Device::kCuda
                                ? gpu_level_of(footprint_of(group), group, peaks)
                                : level_of(group, peaks);
  Bound result;
  if (const Roof* roof = bandwidth_roof(peaks, level, variant.device,
                                        threads_of(variant, group.problem), variant.streams)) {
    result = {named(*roof), level == "mem" ? "memory" : level, bytes_algorithm / roof->value * 1e9};
  }
  if (const Roof* roof = flop_roof(peaks, variant, group.problem)) {
    const double floor_ns = flops / roof->value * 1e9;
    if (floor_ns > result.floor_ns) result = {named(*roof), "compute", floor_ns};
  }
  return result;
}

}  // namespace sb
