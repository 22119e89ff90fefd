// Standard attention with cuBLAS products, loaded at run time.
#if defined(__CUDACC__)
#include <cublas_v2.h>

#include <string>

#include "backend/device_library.cuh"
#include "suites/attention/standard_call.cuh"

namespace sb::attention::standard_cu {
namespace {

const DeviceLibrary& cublas_library() {
  static const DeviceLibrary library("libcublas.so." + std::to_string(CUBLAS_VER_MAJOR));
  return library;
}

void check_cublas(cublasStatus_t status, const char* what) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw std::runtime_error(std::string(what) + ": cuBLAS error " + std::to_string(status));
}

cudaDataType data_type(Dtype dtype) {
  return dtype == Dtype::kF32 ? CUDA_R_32F : dtype == Dtype::kBf16 ? CUDA_R_16BF : CUDA_R_16F;
}

// cublasGemmStridedBatchedEx, of which the header has overloads.
using GemmStridedBatched = cublasStatus_t(cublasHandle_t, cublasOperation_t, cublasOperation_t, int,
                                          int, int, const void*, const void*, cudaDataType, int,
                                          long long, const void*, cudaDataType, int, long long,
                                          const void*, void*, cudaDataType, int, long long, int,
                                          cublasComputeType_t, cublasGemmAlgo_t);

class Cublas {
 public:
  Cublas() { check_cublas(SB_SYMBOL(cublas_library(), cublasCreate_v2)(&handle_), "cublasCreate"); }
  ~Cublas() { SB_SYMBOL(cublas_library(), cublasDestroy_v2)(handle_); }
  Cublas(const Cublas&) = delete;
  Cublas& operator=(const Cublas&) = delete;

  // to = factor op(a) b, `rows` x `columns` over `inner`, `count` times, summed in float.
  void multiply(bool transposed, std::int64_t rows, std::int64_t columns, std::int64_t inner,
                float factor, const Matrices& a, const Matrices& b, const Matrices& to,
                std::int64_t count) const {
    static auto* const run = cublas_library().get<GemmStridedBatched>("cublasGemmStridedBatchedEx");
    check_cublas(SB_SYMBOL(cublas_library(), cublasSetStream_v2)(handle_, launch_stream),
                 "cublasSetStream");
    constexpr float kZero = 0;
    check_cublas(run(handle_, transposed ? CUBLAS_OP_T : CUBLAS_OP_N, CUBLAS_OP_N,
                     static_cast<int>(rows), static_cast<int>(columns), static_cast<int>(inner),
                     &factor, a.data, data_type(a.type), static_cast<int>(a.column), a.next, b.data,
                     data_type(b.type), static_cast<int>(b.column), b.next, &kZero,
                     const_cast<void*>(to.data), data_type(to.type), static_cast<int>(to.column),
                     to.next, static_cast<int>(count), CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT),
                 "cublasGemmStridedBatchedEx");
  }

 private:
  cublasHandle_t handle_ = nullptr;
};

// Scores written and read three times, weights written and read.
double bytes_algorithm(const Problem& problem) {
  const Shape s(problem);
  const auto size = static_cast<double>(size_of(problem.dtype));
  const double pairs = static_cast<double>(s.b * s.h * s.m) * static_cast<double>(s.n);
  const double rows = 2.0 * static_cast<double>(s.b * (s.h * s.m + s.hkv * s.n)) * s.d;
  return size * rows + pairs * (4 * 4 + 2 * size);
}

const DeviceRegistration registration{
    Variant{.op = "attention",
            .name = "standard",
            .dtypes = {Dtype::kF32, Dtype::kBf16, Dtype::kF16},
            .summary = "scores and weights in memory, cuBLAS products, a masked softmax between",
            .bytes_algorithm = bytes_algorithm,
            .why_not = [](const Problem&) { return cublas_library().why_not(); }},
    standard_run<Cublas>, Code::kLibrary};

}  // namespace
}  // namespace sb::attention::standard_cu

#if defined(SB_HAVE_PTX)
namespace sb::attention {

MaskedAnswer masked_softmax_as_ptx(const MaskedStage& stage, int arch) {
  const ptx::Interpreted interpreted(arch);
  return run_masked_softmax(stage);
}

}  // namespace sb::attention
#endif
#else
#include "suites/attention/blas_by_definition.cuh"
#include "suites/attention/on_fibers.h"

namespace sb::attention {

std::unique_ptr<Kernel> standard_on_fibers(const Problem& problem) {
  return std::make_unique<DeviceKernel>(
      Registry::instance().find_operation("attention")->tensors(problem),
      standard_run<BlasByDefinition>(problem));
}

MaskedAnswer masked_softmax_on_fibers(const MaskedStage& stage) {
  return run_masked_softmax(stage);
}

}  // namespace sb::attention
#endif
