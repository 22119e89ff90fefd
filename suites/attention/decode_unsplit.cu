#include "suites/attention/decode_call.cuh"

namespace sb::attention {
namespace {

const DeviceRegistration registration{
    decode_variant("unsplit", "a block per key head and four query heads", ""),
    [](const Problem& problem) { return decode_any<false>(problem, whole_contexts); }};

}  // namespace
}  // namespace sb::attention
