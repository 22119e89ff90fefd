// Compiles SB_ISA_FILE once per instruction set, each time into a namespace of its own
// (sb::attention::scalar, avx2, avx512), so that one source serves all and no AVX-512 instruction
// can reach a machine without it. A file that defines SB_ISA_WITH_BF16 is compiled into avx512_dot
// (the bf16 dot product on top) as well, with SB_ISA_WITH_AMX into amx (matrix tiles on top of
// that).
//
//   #define SB_ISA_FILE "suites/attention/flash2-inl.h"
//   #include "suites/attention/for_each_isa.h"
//
// Everything that SB_ISA_FILE needs from elsewhere is included before this header: what is parsed
// inside a region belongs to that region's instruction set. Regions hold functions only, never a
// variable with an initialiser.
// SB_ISA_SIMD is the number of floats in the widest register; SB_ISA_DOT tells of the dot product,
// SB_ISA_AMX of the tiles.

#include "suites/attention/isa_common.h"

#define SB_ISA_PRELUDE "suites/attention/prelude-inl.h"

#define SB_ISA_SIMD 1
#define SB_ISA_DOT 0
#define SB_ISA_AMX 0
namespace sb::attention::scalar {
#include SB_ISA_PRELUDE
#include SB_ISA_FILE
}  // namespace sb::attention::scalar
#undef SB_ISA_SIMD

#if defined(__x86_64__)

#define SB_ISA_SIMD 8
SB_BEGIN_TARGET_AVX2
namespace sb::attention::avx2 {
#include SB_ISA_PRELUDE
#include SB_ISA_FILE
}  // namespace sb::attention::avx2
SB_END_TARGET
#undef SB_ISA_SIMD

#define SB_ISA_SIMD 16
SB_BEGIN_TARGET_AVX512
namespace sb::attention::avx512 {
#include SB_ISA_PRELUDE
#include SB_ISA_FILE
}  // namespace sb::attention::avx512
SB_END_TARGET

#if defined(SB_ISA_WITH_BF16)

#undef SB_ISA_DOT
#define SB_ISA_DOT 1
SB_BEGIN_TARGET_AVX512_DOT
namespace sb::attention::avx512_dot {
#include SB_ISA_PRELUDE
#include SB_ISA_FILE
}  // namespace sb::attention::avx512_dot
SB_END_TARGET

#if defined(SB_ISA_WITH_AMX)

#undef SB_ISA_AMX
#define SB_ISA_AMX 1
SB_BEGIN_TARGET_AMX
namespace sb::attention::amx {
#include SB_ISA_PRELUDE
#include SB_ISA_FILE
}  // namespace sb::attention::amx
SB_END_TARGET

#endif  // SB_ISA_WITH_AMX

#endif  // SB_ISA_WITH_BF16

#undef SB_ISA_SIMD

#endif  // __x86_64__

#undef SB_ISA_DOT
#undef SB_ISA_AMX
#undef SB_ISA_WITH_BF16
#undef SB_ISA_WITH_AMX
#undef SB_ISA_PRELUDE
#undef SB_ISA_FILE
