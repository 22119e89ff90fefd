// The instruction sets that Highway compiles a family for. Include before foreach_target.h.
// SSSE3 and SSE4 are left out (every machine of interest has AVX2), AVX3_DL because AVX3 (F, BW,
// CD, DQ, VL) is what Isa::kAvx512 means. The baseline target stands for Isa::kScalar: kernels use
// lanes of one there (kLanes in stored-inl.h), so that scalar means scalar.
#pragma once

#ifndef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
#endif
