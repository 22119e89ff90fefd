// What every per-ISA source of this family starts from; included inside a region.
// The order is the order of dependence.
// clang-format off
#include "suites/attention/simd-inl.h"
#include "suites/attention/transpose-inl.h"
#include "suites/attention/convert-inl.h"
#include "suites/attention/tile-inl.h"
#if SB_ISA_SIMD == 16
#include "suites/attention/pairs-inl.h"
#endif
#if SB_ISA_AMX
#include "suites/attention/amx-inl.h"
#endif
// clang-format on
