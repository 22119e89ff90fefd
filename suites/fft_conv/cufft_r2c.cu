// The fairer baseline: real transforms.
#include "suites/fft_conv/cufft.cuh"

#if defined(__CUDACC__)
namespace sb::fft_conv {
namespace {

const DeviceRegistration registration{
    Variant{.op = "fft_conv",
            .name = "cufft_r2c",
            .dtypes = {Dtype::kF32, Dtype::kBf16, Dtype::kF16},
            .summary = "cuFFT, real; gates, casts and the product in launches of their own",
            .why_not = why_not_cufft},
    unfused_run<CufftPlan, 1>, Code::kLibrary};

}  // namespace
}  // namespace sb::fft_conv
#endif
