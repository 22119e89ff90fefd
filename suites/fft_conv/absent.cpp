// Variants that this build has no library for (backend/absent.h).
#include "backend/absent.h"

#if !SB_HAVE_FFTW || !SB_HAVE_OPENBLAS
namespace sb::fft_conv {
namespace {

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
