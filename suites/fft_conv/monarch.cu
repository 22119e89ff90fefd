#include "suites/fft_conv/monarch_call.cuh"

namespace sb::fft_conv {
namespace {

// Signals, gates and taps once. Beyond what a block can keep, the spectra are written once and read
// by every sequence.
double bytes_algorithm(const Problem& problem) {
  const Shape s(problem);
  const double spectra = keeps_spectrum(s.n) ? 0 : 4 * static_cast<double>(s.n * s.h * (1 + s.b));
  return (s.gated ? 4.0 : 2.0) * static_cast<double>(s.elements()) *
             static_cast<double>(size_of(problem.dtype)) +
         4 * static_cast<double>(s.h * s.lk) + spectra;
}

const DeviceRegistration registration{
    Variant{.op = "fft_conv",
            .name = "monarch",
            .dtypes = {Dtype::kF32, Dtype::kBf16, Dtype::kF16},
            .summary = "DFTs as products on tensor cores (two-term f16), one launch, in shared "
                       "memory throughout",
            .paper = "arXiv:2311.05908",
            .bytes_algorithm = bytes_algorithm,
            .why_not = why_not_monarch},
    monarch_run<>};

}  // namespace
}  // namespace sb::fft_conv
