// Three passes: maximum, sum of exp(x - m), then the exponentials once more. Reads x three times
// and writes y once: 16 bytes per float element. For log-softmax the last pass needs no
// exponential.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "suites/softmax/three_pass_recompute.cpp"
#include "backend/targets.h"
// clang-format off
#include "hwy/foreach_target.h"
// clang-format on
#include "suites/softmax/softmax-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sb::softmax {
namespace HWY_NAMESPACE {

constexpr Algorithm kRecompute{
    .softmax = storage_of<Recompute, Output::kProbability, false>(),
    .softmax_stream = storage_of<Recompute, Output::kProbability, true>(),
    .log_softmax = storage_of<Recompute, Output::kLog, false>(),
    .log_softmax_stream = storage_of<Recompute, Output::kLog, true>()};

}  // namespace HWY_NAMESPACE
}  // namespace sb::softmax
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sb::softmax {
namespace {

const About kAbout{
    .name = "three_pass_recompute", .summary = "maximum, sum, exponentials again", .moved = 4};
#if HWY_TARGETS & HWY_AVX3
const Registrations avx512{kAbout, Isa::kAvx512, N_AVX3::kRecompute};
#endif
#if HWY_TARGETS & HWY_AVX2
const Registrations avx2{kAbout, Isa::kAvx2, N_AVX2::kRecompute};
#endif
const Registrations scalar{kAbout, Isa::kScalar, HWY_STATIC_DISPATCH(kRecompute)};

}  // namespace
}  // namespace sb::softmax
#endif
