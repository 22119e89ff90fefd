#include "suites/fft_conv/as_ptx.h"
#include "suites/fft_conv/monarch_staged_call.cuh"
#include "suites/fft_conv/on_fibers.h"

namespace sb::fft_conv::monarch_staged_cu {
namespace {

// Beside the signals, complex floats of half as many points: written and read by every outer stage
// and by the inner one, there and back; the kernels alike, one way.
double bytes_algorithm(const Problem& problem) {
  const Shape s(problem);
  const double outer = s.n > 1 << 19 ? 2 : 1;
  const double points = static_cast<double>(pairs_of(s.b, s.h)) * static_cast<double>(s.n);
  const double of_kernels = static_cast<double>(s.h) * static_cast<double>(s.n);
  const double spectra =
      s.cached ? 0 : 8 * of_kernels * (2 * outer + 1) + 4 * static_cast<double>(s.h * s.lk);
  return (s.gated ? 4.0 : 2.0) * static_cast<double>(s.elements()) *
             static_cast<double>(size_of(problem.dtype)) +
         8 * points * (4 * outer) + 8 * points + spectra;
}

const DeviceRegistration registration{
    Variant{.op = "fft_conv",
            .name = "monarch_staged",
            .dtypes = {Dtype::kF32, Dtype::kBf16, Dtype::kF16},
            .summary = "monarch for n above 32768: outer factors from memory to memory, two "
                       "sequences as one complex one",
            .paper = "arXiv:2311.05908",
            .bytes_algorithm = bytes_algorithm,
            .tolerance_factor = tolerance_of_two_terms,
            .why_not = why_not_staged},
    staged_run<>};

const DeviceRegistration backward{
    Variant{.op = "fft_conv_backward",
            .name = "monarch_staged",
            .dtypes = {Dtype::kF32, Dtype::kBf16, Dtype::kF16},
            .summary = "monarch for n above 32768: outer factors from memory to memory, two "
                       "sequences as one complex one; dk summed in order",
            .paper = "arXiv:2311.05908",
            .tolerance_factor = tolerance_of_two_terms,
            .why_not = why_not_staged},
    staged_backward_run<>};

}  // namespace
}  // namespace sb::fft_conv::monarch_staged_cu

#if defined(__CUDACC__) && defined(SB_HAVE_PTX)
namespace sb::fft_conv {

std::unique_ptr<Kernel> staged_as_ptx(const Problem& problem, int arch, std::int64_t inner_points) {
  return interpreted_kernel("fft_conv", problem, arch,
                            [=](const Problem& p) { return staged_run_with<>(p, inner_points); });
}
std::unique_ptr<Kernel> staged_backward_as_ptx(const Problem& problem, int arch,
                                               std::int64_t inner_points) {
  return interpreted_kernel("fft_conv_backward", problem, arch, [=](const Problem& p) {
    return staged_backward_run_with<>(p, inner_points);
  });
}

}  // namespace sb::fft_conv
#elif !defined(__CUDACC__)
namespace sb::fft_conv {

std::unique_ptr<Kernel> staged_on_fibers(const Problem& problem, std::int64_t inner_points) {
  return std::make_unique<DeviceKernel>(
      Registry::instance().find_operation("fft_conv")->tensors(problem),
      staged_run_with<>(problem, inner_points));
}
std::unique_ptr<Kernel> staged_backward_on_fibers(const Problem& problem,
                                                  std::int64_t inner_points) {
  return std::make_unique<DeviceKernel>(
      Registry::instance().find_operation("fft_conv_backward")->tensors(problem),
      staged_backward_run_with<>(problem, inner_points));
}

}  // namespace sb::fft_conv
#endif
