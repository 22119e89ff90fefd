#include "suites/attention/decode_call.cuh"

namespace sb::attention::decode_unsplit_cu {
namespace {

const DeviceRegistration registration{
    decode_variant("unsplit", "a block per key head and four query heads", ""),
    decode_any<SplitLauncher<whole_contexts, false>>};

}  // namespace
}  // namespace sb::attention::decode_unsplit_cu
