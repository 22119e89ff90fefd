#include "suites/attention/decode_call.cuh"

namespace sb::attention::decode_unified_max_cu {
namespace {

const DeviceRegistration registration{
    decode_variant("unified_max",
                   "split_kv with a maximum fixed beforehand, strayed rows done again",
                   "arXiv:2311.01282"),
    decode_any<SplitLauncher<split_contexts, true>>};

}  // namespace
}  // namespace sb::attention::decode_unified_max_cu
