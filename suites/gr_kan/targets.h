// The instruction sets that Highway compiles this family for. Include before foreach_target.h.
// SSSE3 and SSE4 are left out (every machine of interest has AVX2), AVX3_DL because it has nothing
// that these kernels use over AVX3 (F, BW, CD, DQ, VL: what Isa::kAvx512 means).
#pragma once

#ifndef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
#endif
