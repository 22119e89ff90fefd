// What the per-ISA sources of this family share outside of their regions: standard headers, the
// pragmas that open a region, and the choice of a region at run time.
#pragma once

#if defined(__x86_64__)
// The intrinsics of g++ 12 read their undefined pass-through operand on purpose (PR105593).
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>
#pragma GCC diagnostic pop
#endif

#include <hwy/base.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "core/dtype.h"
#include "core/isa.h"

#define SB_INLINE inline __attribute__((always_inline))
#define SB_NOINLINE __attribute__((noinline))

#if defined(__clang__)
#define SB_UNROLL _Pragma("clang loop unroll(full)")
#define SB_UNROLL_2 _Pragma("clang loop unroll_count(2)")
#else
#define SB_UNROLL _Pragma("GCC unroll 16")
#define SB_UNROLL_2 _Pragma("GCC unroll 2")
#endif

#define SB_AVX2 "avx2,fma,f16c"
#define SB_AVX512 SB_AVX2 ",avx512f,avx512bw,avx512cd,avx512dq,avx512vl"
#define SB_AVX512_DOT SB_AVX512 ",avx512bf16"
#define SB_BEGIN_TARGET_AVX2 HWY_PUSH_ATTRIBUTES(SB_AVX2)
#define SB_BEGIN_TARGET_AVX512 HWY_PUSH_ATTRIBUTES(SB_AVX512)
#define SB_BEGIN_TARGET_AVX512_DOT HWY_PUSH_ATTRIBUTES(SB_AVX512_DOT)
#define SB_BEGIN_TARGET_AMX HWY_PUSH_ATTRIBUTES(SB_AVX512_DOT ",amx-tile,amx-bf16")
#define SB_END_TARGET HWY_POP_ATTRIBUTES

// SB_FOR_ISA(isa, f): the address of f in the namespace of `isa`.
#if defined(__x86_64__)
#define SB_FOR_ISA(isa, function)           \
  ((isa) == Isa::kAvx512 ? avx512::function \
   : (isa) == Isa::kAvx2 ? avx2::function   \
                         : scalar::function)
#else
#define SB_FOR_ISA(isa, function) (scalar::function)
#endif
