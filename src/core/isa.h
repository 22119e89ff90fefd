// Where a variant runs: instruction set and device, and whether this machine has them.
#pragma once

#include <string>
#include <string_view>

namespace sb {

// kAmx: AVX-512 with BF16, and matrix tiles of bf16. kNative: a library picks its own instruction
// set (a peer). kCuda: device code. kCompute80, 90: the PTX that nvcc makes of it for these virtual
// architectures.
enum class Isa { kScalar, kAvx2, kAvx512, kAmx, kNative, kCuda, kCompute80, kCompute90 };
// Device code on the CPU, a fiber per CUDA thread, for answers and never for time: kSimt as the C++
// compiler compiled it, kPtx what nvcc made of it, interpreted.
enum class Device { kCpu, kCuda, kSimt, kPtx };
inline bool is_timed(Device device) { return device == Device::kCpu || device == Device::kCuda; }

std::string_view name_of(Isa isa);  // "scalar", "avx2", "avx512", "amx", "native", "cuda", ...
std::string_view name_of(Device device);  // "cpu", "cuda", "simt", "ptx"
bool parse_isa(std::string_view text, Isa& isa);
bool parse_device(std::string_view text, Device& device);

// Empty if code for `isa` can run here, else the reason in words. kAvx512 means F, BW, CD, DQ and
// VL (the Skylake-X level); kAvx2 means AVX2 and FMA. The environment variable SOFTMAX_BENCH_ISA
// (scalar, avx2, avx512, amx) caps what counts as available. Tile registers belong to a process
// once it asked the kernel for them: the first question about kAmx asks.
std::string why_isa_unavailable(Isa isa);

// CPU features beyond an Isa level that single variants ask for.
enum class CpuFeature { kAvx512Bf16, kAvx512Vbmi2 };
std::string_view name_of(CpuFeature feature);
bool cpu_has(CpuFeature feature);  // false as well when SOFTMAX_BENCH_ISA caps below avx512

}  // namespace sb
