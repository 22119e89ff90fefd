#include "core/isa.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

namespace sb {
namespace {

constexpr std::array<std::pair<Isa, std::string_view>, 7> kIsaNames = {{
    {Isa::kScalar, "scalar"},
    {Isa::kAvx2, "avx2"},
    {Isa::kAvx512, "avx512"},
    {Isa::kNative, "native"},
    {Isa::kCuda, "cuda"},
    {Isa::kCompute80, "compute_80"},
    {Isa::kCompute90, "compute_90"},
}};

constexpr std::array<std::string_view, 4> kDeviceNames = {"cpu", "cuda", "simt", "ptx"};

#if defined(__x86_64__)
bool hardware_has_avx2() {
  return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
}
bool hardware_has_avx512() {
  return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
         __builtin_cpu_supports("avx512cd") != 0 && __builtin_cpu_supports("avx512dq") != 0 &&
         __builtin_cpu_supports("avx512vl") != 0;
}
bool hardware_has(CpuFeature feature) {
  switch (feature) {
    case CpuFeature::kAvx512Bf16:
      return __builtin_cpu_supports("avx512bf16") != 0;
    case CpuFeature::kAvx512Vbmi2:
      return __builtin_cpu_supports("avx512vbmi2") != 0;
  }
  return false;
}
#else
bool hardware_has_avx2() { return false; }
bool hardware_has_avx512() { return false; }
bool hardware_has(CpuFeature) { return false; }
#endif

// Highest vector level the user allows; kAvx512 when the variable is absent or not a level.
Isa isa_cap() {
  Isa cap = Isa::kAvx512;
  if (const char* text = std::getenv("SOFTMAX_BENCH_ISA")) parse_isa(text, cap);
  return cap > Isa::kAvx512 ? Isa::kAvx512 : cap;
}

}  // namespace

std::string_view name_of(Isa isa) { return kIsaNames[static_cast<std::size_t>(isa)].second; }
std::string_view name_of(Device device) { return kDeviceNames[static_cast<std::size_t>(device)]; }

bool parse_isa(std::string_view text, Isa& isa) {
  for (const auto& [value, name] : kIsaNames) {
    if (name == text) {
      isa = value;
      return true;
    }
  }
  return false;
}

bool parse_device(std::string_view text, Device& device) {
  const auto* found = std::find(kDeviceNames.begin(), kDeviceNames.end(), text);
  if (found == kDeviceNames.end()) return false;
  device = static_cast<Device>(found - kDeviceNames.begin());
  return true;
}

std::string why_isa_unavailable(Isa isa) {
  if (isa != Isa::kAvx2 && isa != Isa::kAvx512) return "";
  if (isa > isa_cap()) {
    return "SOFTMAX_BENCH_ISA caps the instruction set at " + std::string(name_of(isa_cap()));
  }
  if (isa == Isa::kAvx2 && !hardware_has_avx2()) return "this CPU has no AVX2 with FMA";
  if (isa == Isa::kAvx512 && !hardware_has_avx512()) {
    return "this CPU lacks one of AVX-512 F, BW, CD, DQ, VL";
  }
  return "";
}

std::string_view name_of(CpuFeature feature) {
  switch (feature) {
    case CpuFeature::kAvx512Bf16:
      return "AVX-512 BF16";
    case CpuFeature::kAvx512Vbmi2:
      return "AVX-512 VBMI2";
  }
  return "?";
}

bool cpu_has(CpuFeature feature) {
  return why_isa_unavailable(Isa::kAvx512).empty() && hardware_has(feature);
}

}  // namespace sb
