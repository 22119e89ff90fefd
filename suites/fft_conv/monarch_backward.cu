#include "suites/fft_conv/monarch_backward_call.cuh"

namespace sb::fft_conv::monarch_backward_cu {
namespace {

const DeviceRegistration registration{
    Variant{.op = "fft_conv_backward",
            .name = "monarch",
            .dtypes = {Dtype::kF32, Dtype::kBf16, Dtype::kF16},
            .summary = "DFTs as products on tensor cores (two-term f16); dk summed in order",
            .paper = "arXiv:2311.05908",
            .tolerance_factor = tolerance_of_two_terms,
            .why_not = why_not_monarch},
    monarch_backward_run<>};

}  // namespace
}  // namespace sb::fft_conv::monarch_backward_cu
