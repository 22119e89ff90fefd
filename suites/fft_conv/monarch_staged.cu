#include "suites/fft_conv/monarch_staged_call.cuh"

namespace sb::fft_conv {
namespace {

DeviceRun prepare(const Problem& problem) {
  if (problem.dtype == Dtype::kBf16) return staged_run<Bf16>(problem);
  if (problem.dtype == Dtype::kF16) return staged_run<F16>(problem);
  return staged_run<float>(problem);
}

// Beside the signals, complex floats of half as many points: written and read by every outer stage
// and by the inner one, there and back; the kernels alike, one way.
double bytes_algorithm(const Problem& problem) {
  const Shape s(problem);
  const double outer = s.n > 1 << 19 ? 2 : 1;
  const double points = static_cast<double>(pairs_of(s.b, s.h)) * static_cast<double>(s.n);
  const double of_kernels = static_cast<double>(s.h) * static_cast<double>(s.n);
  return (s.gated ? 4.0 : 2.0) * static_cast<double>(s.elements()) *
             static_cast<double>(size_of(problem.dtype)) +
         8 * points * (4 * outer) + 8 * of_kernels * (2 * outer + 1) + 8 * points +
         4 * static_cast<double>(s.h * s.lk);
}

const DeviceRegistration registration{
    Variant{.op = "fft_conv",
            .name = "monarch_staged",
            .dtypes = {Dtype::kF32, Dtype::kBf16, Dtype::kF16},
            .summary = "monarch for n above 32768: outer factors from memory to memory, two "
                       "sequences as one complex one",
            .paper = "arXiv:2311.05908",
            .bytes_algorithm = bytes_algorithm,
            .why_not = why_not_staged},
    prepare};

}  // namespace
}  // namespace sb::fft_conv
