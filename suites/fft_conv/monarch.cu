#include "suites/fft_conv/monarch_call.cuh"

namespace sb::fft_conv::monarch_cu {
namespace {

const DeviceRegistration registration{
    Variant{.op = "fft_conv",
            .name = "monarch",
            .dtypes = {Dtype::kF32, Dtype::kBf16, Dtype::kF16},
            .summary = "DFTs as products on tensor cores (two-term f16), one launch, in shared "
                       "memory throughout",
            .paper = "arXiv:2311.05908",
            .tolerance_factor = tolerance_of_two_terms,
            .why_not = why_not_monarch},
    monarch_run<>};

}  // namespace
}  // namespace sb::fft_conv::monarch_cu
