// The papers' baseline: complex transforms of real sequences, every step a launch of its own.
#include "suites/fft_conv/cufft.cuh"

#if defined(__CUDACC__)
namespace sb::fft_conv::cufft_unfused_c2c_cu {
namespace {

const DeviceRegistration registration{
    Variant{.op = "fft_conv",
            .name = "cufft_unfused_c2c",
            .dtypes = {Dtype::kF32, Dtype::kBf16, Dtype::kF16},
            .summary = "cuFFT, complex; gates, casts and the product in launches of their own",
            .paper = "arXiv:2311.05908, its baseline",
            .why_not = why_not_cufft},
    unfused_run<CufftPlan, 2>, Code::kLibrary};

}  // namespace
}  // namespace sb::fft_conv::cufft_unfused_c2c_cu
#endif
