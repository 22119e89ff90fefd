#include "suites/tensor_bleu/block_hash_call.cuh"

namespace sb::tensor_bleu::block_hash_cu {
namespace {

const DeviceRegistration registration{
    Variant{.op = "tensor_bleu",
            .name = "block_hash",
            .dtypes = {Dtype::kI64},
            .summary = "a hash table per sentence and block, exact; linear in the batch",
            .why_not = why_not_on_device},
    block_hash_run<>};

}  // namespace
}  // namespace sb::tensor_bleu::block_hash_cu
