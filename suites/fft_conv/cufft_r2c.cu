// The fairer baseline: real transforms.
#include "suites/fft_conv/as_ptx.h"
#include "suites/fft_conv/cufft.cuh"
#include "suites/fft_conv/plan_by_definition.cuh"

#if defined(__CUDACC__)
namespace sb::fft_conv::cufft_r2c_cu {
namespace {

const DeviceRegistration registration{
    Variant{.op = "fft_conv",
            .name = "cufft_r2c",
            .dtypes = {Dtype::kF32, Dtype::kBf16, Dtype::kF16},
            .summary = "cuFFT, real; gates, casts and the product in launches of their own",
            .why_not = why_not_cufft},
    unfused_run<CufftPlan, 1>, Code::kLibrary};

}  // namespace
}  // namespace sb::fft_conv::cufft_r2c_cu

#if defined(SB_HAVE_PTX)
namespace sb::fft_conv {

// The kernels do not know whose transforms stand between them: these are the two variants'.
std::unique_ptr<Kernel> unfused_as_ptx(const Problem& problem, int arch, bool complex) {
  return interpreted_kernel("fft_conv", problem, arch, [=](const Problem& p) {
    return complex ? unfused_run<PlanByDefinition, 2>(p) : unfused_run<PlanByDefinition, 1>(p);
  });
}

}  // namespace sb::fft_conv
#endif
#else
#include "suites/fft_conv/on_fibers.h"
#include "suites/fft_conv/unfused_call.cuh"

namespace sb::fft_conv {

std::unique_ptr<Kernel> unfused_on_fibers(const Problem& problem, bool complex) {
  return std::make_unique<DeviceKernel>(
      Registry::instance().find_operation("fft_conv")->tensors(problem),
      complex ? unfused_run<PlanByDefinition, 2>(problem)
              : unfused_run<PlanByDefinition, 1>(problem));
}

}  // namespace sb::fft_conv
#endif
