// cuFFT as a peer, loaded at run time.
#pragma once

#if defined(__CUDACC__)
#include <cufft.h>

#include <string>

#include "backend/device_library.cuh"
#include "suites/fft_conv/unfused_call.cuh"

namespace sb::fft_conv {
namespace {

inline const DeviceLibrary& cufft_library() {
  static const DeviceLibrary library("libcufft.so." + std::to_string(CUFFT_VER_MAJOR));
  return library;
}

inline void check_cufft(cufftResult result, const char* what) {
  if (result == CUFFT_SUCCESS) return;
  throw std::runtime_error(std::string(what) + ": cuFFT error " + std::to_string(result));
}

// A plan of one type.
class CufftHandle {
 public:
  CufftHandle(std::int64_t n, cufftType type, std::int64_t batch) {
    check_cufft(SB_SYMBOL(cufft_library(), cufftPlan1d)(&plan_, static_cast<int>(n), type,
                                                        static_cast<int>(batch)),
                "cufftPlan1d");
  }
  ~CufftHandle() { SB_SYMBOL(cufft_library(), cufftDestroy)(plan_); }
  CufftHandle(const CufftHandle&) = delete;
  CufftHandle& operator=(const CufftHandle&) = delete;

  // Function: one of cufftExec...
  template <typename Function, typename... Arguments>
  void run(Function* function, Arguments... arguments) const {
    check_cufft(SB_SYMBOL(cufft_library(), cufftSetStream)(plan_, launch_stream), "cufftSetStream");
    check_cufft(function(plan_, arguments...), "cufftExec");
  }

 private:
  cufftHandle plan_ = 0;
};

// What UnfusedConvolution asks for.
template <int kStep>
class CufftPlan {
 public:
  CufftPlan(std::int64_t n, std::int64_t batch)
      : forward_(n, kStep == 2 ? CUFFT_C2C : CUFFT_R2C, batch),
        back_(n, kStep == 2 ? CUFFT_C2C : CUFFT_C2R, batch) {}

  void complex(float2* data, bool forward) const {
    static auto* const run = SB_SYMBOL(cufft_library(), cufftExecC2C);
    forward_.run(run, data, data, forward ? CUFFT_FORWARD : CUFFT_INVERSE);
  }
  void real_forward(float* from, float2* to) const {
    static auto* const run = SB_SYMBOL(cufft_library(), cufftExecR2C);
    forward_.run(run, from, to);
  }
  void real_back(float2* from, float* to) const {
    static auto* const run = SB_SYMBOL(cufft_library(), cufftExecC2R);
    back_.run(run, from, to);
  }

 private:
  CufftHandle forward_, back_;
};

inline std::string why_not_cufft(const Problem& problem) {
  if (Shape(problem).cached) return "makes spectra inside the call only";
  return cufft_library().why_not();
}

}  // namespace
}  // namespace sb::fft_conv
#endif
