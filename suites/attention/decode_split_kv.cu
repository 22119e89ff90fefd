#include "suites/attention/decode_call.cuh"

namespace sb::attention::decode_split_kv_cu {
namespace {

const DeviceRegistration registration{
    decode_variant("split_kv", "Flash-Decoding: contexts in chunks, a second launch merges",
                   "Flash-Decoding (blog, October 2023)"),
    decode_any<SplitLauncher<split_contexts, false>>};

}  // namespace
}  // namespace sb::attention::decode_split_kv_cu
