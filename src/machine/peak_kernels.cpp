#include "machine/peak_kernels.h"

#include <algorithm>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace sb {
namespace {

// What is stored here cannot be optimised away.
void sink(const void* memory) { asm volatile("" : : "r"(memory) : "memory"); }

// Chains that start from one known value are one chain to the compiler, and its latency would be
// taken for the throughput of all. After this it knows none of the values.
void forget(void* memory) { asm volatile("" : : "r"(memory) : "memory"); }

constexpr double kScale = 3;  // triad: a = b + 3 c

#if defined(__x86_64__)

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl")
namespace avx512 {

void read(double*, const double* b, const double*, std::int64_t n) {
  __m512d sum[8];
#pragma GCC unroll 8
  for (int k = 0; k < 8; ++k) sum[k] = _mm512_setzero_pd();  // `= {}` would call memset per pass
  for (std::int64_t i = 0; i < n; i += 64) {
#pragma GCC unroll 8
    for (int k = 0; k < 8; ++k) sum[k] = _mm512_add_pd(sum[k], _mm512_load_pd(b + i + 8 * k));
  }
#pragma GCC unroll 8
  for (int k = 1; k < 8; ++k) sum[0] = _mm512_add_pd(sum[0], sum[k]);
  sink(&sum[0]);
}
void copy(double* a, const double* b, const double*, std::int64_t n) {
#pragma GCC unroll 8
  for (std::int64_t i = 0; i < n; i += 8) _mm512_store_pd(a + i, _mm512_load_pd(b + i));
}
void triad(double* a, const double* b, const double* c, std::int64_t n) {
  const __m512d s = _mm512_set1_pd(kScale);
#pragma GCC unroll 8
  for (std::int64_t i = 0; i < n; i += 8) {
    _mm512_store_pd(a + i, _mm512_fmadd_pd(s, _mm512_load_pd(c + i), _mm512_load_pd(b + i)));
  }
}
void write(double* a, const double*, const double*, std::int64_t n) {
  const __m512d s = _mm512_set1_pd(kScale);
#pragma GCC unroll 8
  for (std::int64_t i = 0; i < n; i += 8) _mm512_store_pd(a + i, s);
  sink(a);
}
void copy_nt(double* a, const double* b, const double*, std::int64_t n) {
#pragma GCC unroll 8
  for (std::int64_t i = 0; i < n; i += 8) _mm512_stream_pd(a + i, _mm512_load_pd(b + i));
}
void triad_nt(double* a, const double* b, const double* c, std::int64_t n) {
  const __m512d s = _mm512_set1_pd(kScale);
#pragma GCC unroll 8
  for (std::int64_t i = 0; i < n; i += 8) {
    _mm512_stream_pd(a + i, _mm512_fmadd_pd(s, _mm512_load_pd(c + i), _mm512_load_pd(b + i)));
  }
}
void write_nt(double* a, const double*, const double*, std::int64_t n) {
  const __m512d s = _mm512_set1_pd(kScale);
#pragma GCC unroll 8
  for (std::int64_t i = 0; i < n; i += 8) _mm512_stream_pd(a + i, s);
}

// 16 chains cover 2 FMA ports times a latency of 4 to 5 cycles, with room.
constexpr int kChains = 16;

void fma_f32(std::int64_t iterations) {
  __m512 start[kChains] = {};
  forget(start);
  __m512 sum[kChains];
  std::copy_n(start, kChains, sum);
  const __m512 x = _mm512_set1_ps(0.999F);
  for (std::int64_t i = 0; i < iterations; ++i) {
#pragma GCC unroll 16
    for (int k = 0; k < kChains; ++k) sum[k] = _mm512_fmadd_ps(sum[k], x, x);
  }
  sink(sum);
}
void fma_f64(std::int64_t iterations) {
  __m512d start[kChains] = {};
  forget(start);
  __m512d sum[kChains];
  std::copy_n(start, kChains, sum);
  const __m512d x = _mm512_set1_pd(0.999);
  for (std::int64_t i = 0; i < iterations; ++i) {
#pragma GCC unroll 16
    for (int k = 0; k < kChains; ++k) sum[k] = _mm512_fmadd_pd(sum[k], x, x);
  }
  sink(sum);
}

}  // namespace avx512
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")
namespace avx512_bf16 {

// Each of the 16 lanes adds two products: 4 FLOP.
void dot(std::int64_t iterations) {
  __m512 start[avx512::kChains] = {};
  forget(start);
  __m512 sum[avx512::kChains];
  std::copy_n(start, avx512::kChains, sum);
  const __m512bh x = (__m512bh)_mm512_set1_epi16(0x3F7F);
  for (std::int64_t i = 0; i < iterations; ++i) {
#pragma GCC unroll 16
    for (int k = 0; k < avx512::kChains; ++k) sum[k] = _mm512_dpbf16_ps(sum[k], x, x);
  }
  sink(sum);
}

}  // namespace avx512_bf16
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx512f,amx-tile,amx-bf16")
namespace amx {

constexpr int kTiles = 8;

struct alignas(64) TileConfig {
  std::uint8_t palette = 1;
  std::uint8_t start_row = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t row_bytes[16] = {};
  std::uint8_t rows[16] = {};
};

// Four products a turn, each into a tile of its own: 16 x 16 sums over 32 pairs of bf16.
void dot(std::int64_t iterations) {
  TileConfig config;
  std::fill_n(config.row_bytes, kTiles, std::uint16_t{64});
  std::fill_n(config.rows, kTiles, std::uint8_t{16});
  forget(&config);  // g++ 12's intrinsic reads 8 bytes as far as the optimiser knows
  _tile_loadconfig(&config);
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  _tile_zero(4);
  _tile_zero(5);
  for (std::int64_t i = 0; i < iterations; ++i) {
    _tile_dpbf16ps(0, 4, 5);
    _tile_dpbf16ps(1, 4, 5);
    _tile_dpbf16ps(2, 4, 5);
    _tile_dpbf16ps(3, 4, 5);
  }
  _tile_release();
}

}  // namespace amx
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx2,fma")
namespace avx2 {

void read(double*, const double* b, const double*, std::int64_t n) {
  __m256d sum[8];
#pragma GCC unroll 8
  for (int k = 0; k < 8; ++k) sum[k] = _mm256_setzero_pd();
  for (std::int64_t i = 0; i < n; i += 32) {
#pragma GCC unroll 8
    for (int k = 0; k < 8; ++k) sum[k] = _mm256_add_pd(sum[k], _mm256_load_pd(b + i + 4 * k));
  }
#pragma GCC unroll 8
  for (int k = 1; k < 8; ++k) sum[0] = _mm256_add_pd(sum[0], sum[k]);
  sink(&sum[0]);
}
void copy(double* a, const double* b, const double*, std::int64_t n) {
#pragma GCC unroll 8
  for (std::int64_t i = 0; i < n; i += 4) _mm256_store_pd(a + i, _mm256_load_pd(b + i));
}
void triad(double* a, const double* b, const double* c, std::int64_t n) {
  const __m256d s = _mm256_set1_pd(kScale);
#pragma GCC unroll 8
  for (std::int64_t i = 0; i < n; i += 4) {
    _mm256_store_pd(a + i, _mm256_fmadd_pd(s, _mm256_load_pd(c + i), _mm256_load_pd(b + i)));
  }
}
void write(double* a, const double*, const double*, std::int64_t n) {
  const __m256d s = _mm256_set1_pd(kScale);
#pragma GCC unroll 8
  for (std::int64_t i = 0; i < n; i += 4) _mm256_store_pd(a + i, s);
  sink(a);
}
void copy_nt(double* a, const double* b, const double*, std::int64_t n) {
#pragma GCC unroll 8
  for (std::int64_t i = 0; i < n; i += 4) _mm256_stream_pd(a + i, _mm256_load_pd(b + i));
}
void triad_nt(double* a, const double* b, const double* c, std::int64_t n) {
  const __m256d s = _mm256_set1_pd(kScale);
#pragma GCC unroll 8
  for (std::int64_t i = 0; i < n; i += 4) {
    _mm256_stream_pd(a + i, _mm256_fmadd_pd(s, _mm256_load_pd(c + i), _mm256_load_pd(b + i)));
  }
}
void write_nt(double* a, const double*, const double*, std::int64_t n) {
  const __m256d s = _mm256_set1_pd(kScale);
#pragma GCC unroll 8
  for (std::int64_t i = 0; i < n; i += 4) _mm256_stream_pd(a + i, s);
}

constexpr int kChains = 12;  // and two constants: 16 registers are all there are

void fma_f32(std::int64_t iterations) {
  __m256 start[kChains] = {};
  forget(start);
  __m256 sum[kChains];
  std::copy_n(start, kChains, sum);
  const __m256 x = _mm256_set1_ps(0.999F);
  for (std::int64_t i = 0; i < iterations; ++i) {
#pragma GCC unroll 12
    for (int k = 0; k < kChains; ++k) sum[k] = _mm256_fmadd_ps(sum[k], x, x);
  }
  sink(sum);
}
void fma_f64(std::int64_t iterations) {
  __m256d start[kChains] = {};
  forget(start);
  __m256d sum[kChains];
  std::copy_n(start, kChains, sum);
  const __m256d x = _mm256_set1_pd(0.999);
  for (std::int64_t i = 0; i < iterations; ++i) {
#pragma GCC unroll 12
    for (int k = 0; k < kChains; ++k) sum[k] = _mm256_fmadd_pd(sum[k], x, x);
  }
  sink(sum);
}

}  // namespace avx2
#pragma GCC pop_options

#endif  // __x86_64__

// Plain C++ that the compiler vectorises for the baseline of the architecture: what a variant
// without an instruction set of its own can reach.
namespace scalar {

void read(double*, const double* b, const double*, std::int64_t n) {
  double sum[8] = {};
  for (std::int64_t i = 0; i < n; i += 8) {
    for (int k = 0; k < 8; ++k) sum[k] += b[i + k];
  }
  sink(sum);
}
void copy(double* __restrict a, const double* __restrict b, const double*, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) a[i] = b[i];
  sink(a);
}
void triad(double* __restrict a, const double* __restrict b, const double* __restrict c,
           std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) a[i] = b[i] + kScale * c[i];
  sink(a);
}
void write(double* a, const double*, const double*, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) a[i] = kScale;
  sink(a);
}

// Vectors of the baseline (16 bytes), which every x86-64 and every arm64 has.
template <typename T>
void multiply_add(std::int64_t iterations) {
  typedef T Vector __attribute__((vector_size(16)));
  constexpr int kChains = 12;
  Vector start[kChains] = {};
  forget(start);
  Vector sum[kChains];
  std::copy_n(start, kChains, sum);
  const Vector x = Vector{} + static_cast<T>(0.999);
  for (std::int64_t i = 0; i < iterations; ++i) {
#pragma GCC unroll 12
    for (int k = 0; k < kChains; ++k) sum[k] = sum[k] * x + x;
  }
  sink(sum);
}

}  // namespace scalar

#if defined(__x86_64__)
// Non-temporal stores have arrived when this returns.
void fence() { _mm_sfence(); }
#else
void fence() {}
#endif

}  // namespace

void pass_in_runs(const StreamKernel& kernel, int runs, double* a, const double* b, const double* c,
                  std::int64_t n) {
  constexpr std::int64_t kChunk = 64;
  constexpr std::int64_t kAhead = 384;  // doubles, 3 KiB
  // Runs begin at different places of a page: past the caches, stores to lines that agree in the
  // low 12 bits of their addresses drain one another's fill buffers.
  constexpr std::int64_t kPage = 512, kShift = 3 * kChunk;
  const std::int64_t most = n / runs / kChunk * kChunk;
  const std::int64_t run = runs == 1      ? 0
                           : most < kPage ? most
                                          : (most - kShift) / kPage * kPage + kShift;
  for (std::int64_t i = 0; i < run; i += kChunk) {
    for (std::int64_t at = i; at < runs * run; at += run) {
      for (std::int64_t line = 0; line < kChunk; line += 8) {
        if (kernel.arrays > 1 || kernel.kind == "read") __builtin_prefetch(b + at + kAhead + line);
        if (kernel.arrays > 2) __builtin_prefetch(c + at + kAhead + line);
      }
      kernel.pass(a + at, b + at, c + at, kChunk);
    }
  }
  const std::int64_t done = runs * run;
  kernel.pass(a + done, b + done, c + done, n - done);
  fence();
}

std::vector<StreamKernel> stream_kernels() {
#if defined(__x86_64__)
  if (why_isa_unavailable(Isa::kAvx512).empty()) {
    return {{"read", 1, avx512::read},        {"copy", 2, avx512::copy},
            {"triad", 3, avx512::triad},      {"write", 1, avx512::write},
            {"copy_nt", 2, avx512::copy_nt},  {"triad_nt", 3, avx512::triad_nt},
            {"write_nt", 1, avx512::write_nt}};
  }
  if (why_isa_unavailable(Isa::kAvx2).empty()) {
    return {{"read", 1, avx2::read},        {"copy", 2, avx2::copy},
            {"triad", 3, avx2::triad},      {"write", 1, avx2::write},
            {"copy_nt", 2, avx2::copy_nt},  {"triad_nt", 3, avx2::triad_nt},
            {"write_nt", 1, avx2::write_nt}};
  }
#endif
  return {{"read", 1, scalar::read},
          {"copy", 2, scalar::copy},
          {"triad", 3, scalar::triad},
          {"write", 1, scalar::write}};
}

std::vector<FlopKernel> flop_kernels() {
  // FLOP of an iteration: chains times lanes times 2 (4 for the dot product of pairs).
  std::vector<FlopKernel> kernels = {
      {"fma", Isa::kScalar, Dtype::kF32, 12 * 4 * 2, scalar::multiply_add<float>},
      {"fma", Isa::kScalar, Dtype::kF64, 12 * 2 * 2, scalar::multiply_add<double>}};
#if defined(__x86_64__)
  if (why_isa_unavailable(Isa::kAvx2).empty()) {
    kernels.push_back({"fma", Isa::kAvx2, Dtype::kF32, 12 * 8 * 2, avx2::fma_f32});
    kernels.push_back({"fma", Isa::kAvx2, Dtype::kF64, 12 * 4 * 2, avx2::fma_f64});
  }
  if (why_isa_unavailable(Isa::kAvx512).empty()) {
    kernels.push_back({"fma", Isa::kAvx512, Dtype::kF32, 16 * 16 * 2, avx512::fma_f32});
    kernels.push_back({"fma", Isa::kAvx512, Dtype::kF64, 16 * 8 * 2, avx512::fma_f64});
  }
  if (cpu_has(CpuFeature::kAvx512Bf16)) {
    kernels.push_back({"dot", Isa::kAvx512, Dtype::kBf16, 16 * 16 * 4, avx512_bf16::dot});
  }
  if (why_isa_unavailable(Isa::kAmx).empty()) {
    kernels.push_back({"dot", Isa::kAmx, Dtype::kBf16, 4 * 16 * 16 * 32 * 2, amx::dot});
  }
#endif
  return kernels;
}

}  // namespace sb
