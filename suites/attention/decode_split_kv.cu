#include "suites/attention/decode_call.cuh"

namespace sb::attention {
namespace {

const DeviceRegistration registration{
    decode_variant("split_kv", "Flash-Decoding: contexts in chunks, a second launch merges",
                   "Flash-Decoding (blog, October 2023)"),
    decode_any<SplitLauncher<split_contexts, false>>};

}  // namespace
}  // namespace sb::attention
