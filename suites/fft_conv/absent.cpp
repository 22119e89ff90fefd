// Variants that this build has no library for: listed, with what to install, and skipped.
#include <stdexcept>

#include "core/registry.h"

#if !SB_HAVE_FFTW || !SB_HAVE_OPENBLAS
namespace sb::fft_conv {
namespace {

Variant absent(std::string op, std::string name, const std::string& why) {
  return {
      .op = std::move(op),
      .name = std::move(name),
      .isa = Isa::kNative,
      .dtypes = {Dtype::kF32, Dtype::kBf16, Dtype::kF16},
      .summary = why,
      .why_not = [why](const Problem&) { return why; },
      .make = [why](const Problem&) -> std::unique_ptr<Kernel> { throw std::runtime_error(why); }};
}

#if !SB_HAVE_FFTW
const char* const kNoFftw = "built without FFTW; install libfftw3-dev";
const Registration c2c{absent("fft_conv", "fft_unfused_c2c", kNoFftw)};
const Registration r2c{absent("fft_conv", "fft_unfused_r2c", kNoFftw)};
const Registration fused{absent("fft_conv", "fftw_fused", kNoFftw)};
const Registration pair{absent("fft_conv", "fftw_pair", kNoFftw)};
const Registration backward{absent("fft_conv_backward", "fftw_fused", kNoFftw)};
#endif

#if !SB_HAVE_OPENBLAS
const char* const kNoBlas = "built without OpenBLAS; install libopenblas-dev";
const Registration shipped{absent("fft_conv", "monarch", kNoBlas)};
const Registration order2{absent("fft_conv", "monarch_2", kNoBlas)};
const Registration order3{absent("fft_conv", "monarch_3", kNoBlas)};
const Registration order4{absent("fft_conv", "monarch_4", kNoBlas)};
#endif

}  // namespace
}  // namespace sb::fft_conv
#endif
