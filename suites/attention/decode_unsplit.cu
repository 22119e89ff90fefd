#include "suites/attention/decode_call.cuh"

namespace sb::attention {
namespace {

const DeviceRegistration registration{
    decode_variant("unsplit", "a block per key head and four query heads", ""),
    decode_any<SplitLauncher<whole_contexts, false>>};

}  // namespace
}  // namespace sb::attention
