#include "core/isa.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace sb {
namespace {

constexpr std::array<std::pair<Isa, std::string_view>, 8> kIsaNames = {{
    {Isa::kScalar, "scalar"},
    {Isa::kAvx2, "avx2"},
    {Isa::kAvx512, "avx512"},
    {Isa::kAmx, "amx"},
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

#if defined(__x86_64__) && defined(__linux__)
// CPUID leaf 7: AMX-BF16 is bit 22 of edx, AMX-TILE bit 24 (Intel SDM volume 2, CPUID).
bool cpuid_has_amx() {
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) == 0) return false;
  constexpr unsigned kBf16AndTile = 1U << 22 | 1U << 24;
  return (edx & kBf16AndTile) == kBf16AndTile;
}

// Linux (5.16 and later) grants the tile registers per process and on request:
// Documentation/arch/x86/xstate.rst.
bool kernel_grants_tiles() {
  constexpr long kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr long kTileData = 18;               // XFEATURE_XTILEDATA
  static const bool granted = syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
  return granted;
}

std::string why_no_amx() {
  if (!hardware_has_avx512() || !hardware_has(CpuFeature::kAvx512Bf16) || !cpuid_has_amx()) {
    return "this CPU has no AMX tiles for bf16";
  }
  return kernel_grants_tiles() ? "" : "this kernel grants no AMX tile registers";
}
#else
std::string why_no_amx() { return "AMX needs an x86-64 CPU and Linux"; }
#endif

// Highest vector level the user allows; kAmx when the variable is absent or not a level.
Isa isa_cap() {
  Isa cap = Isa::kAmx;
  if (const char* text = std::getenv("SOFTMAX_BENCH_ISA")) parse_isa(text, cap);
  return cap > Isa::kAmx ? Isa::kAmx : cap;
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
  if (isa == Isa::kScalar || isa > Isa::kAmx) return "";
  if (isa > isa_cap()) {
    return "SOFTMAX_BENCH_ISA caps the instruction set at " + std::string(name_of(isa_cap()));
  }
  if (isa == Isa::kAvx2 && !hardware_has_avx2()) return "this CPU has no AVX2 with FMA";
  if (isa == Isa::kAvx512 && !hardware_has_avx512()) {
    return "this CPU lacks one of AVX-512 F, BW, CD, DQ, VL";
  }
  return isa == Isa::kAmx ? why_no_amx() : "";
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
