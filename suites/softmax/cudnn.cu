// NVIDIA's library, as a peer.
#if defined(__CUDACC__) && __has_include(<cudnn.h>)
#include <cudnn.h>

#include "backend/device_library.cuh"
#include "suites/softmax/row_variant.cuh"

namespace sb::softmax::cudnn_cu {
namespace {

const DeviceLibrary& cudnn_library() {
  static const DeviceLibrary library("libcudnn.so." + std::to_string(CUDNN_MAJOR));
  return library;
}

void check_cudnn(cudnnStatus_t status, const char* what) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  throw std::runtime_error(std::string(what) + ": cuDNN error " + std::to_string(status));
}

template <typename T>
inline constexpr cudnnDataType_t kDataType = CUDNN_DATA_FLOAT;
template <>
inline constexpr cudnnDataType_t kDataType<Bf16> = CUDNN_DATA_BFLOAT16;
template <>
inline constexpr cudnnDataType_t kDataType<F16> = CUDNN_DATA_HALF;

// Handle and descriptor of rows that lie `stride` apart.
class CudnnRows {
 public:
  CudnnRows(const Shape& s, cudnnDataType_t type) {
    check_cudnn(SB_SYMBOL(cudnn_library(), cudnnCreate)(&handle_), "cudnnCreate");
    check_cudnn(SB_SYMBOL(cudnn_library(), cudnnCreateTensorDescriptor)(&rows_),
                "cudnnCreateTensorDescriptor");
    const int cols = static_cast<int>(s.cols);
    check_cudnn(
        SB_SYMBOL(cudnn_library(), cudnnSetTensor4dDescriptorEx)(
            rows_, type, static_cast<int>(s.rows), cols, 1, 1, static_cast<int>(s.stride), 1, 1, 1),
        "cudnnSetTensor4dDescriptorEx");
  }
  ~CudnnRows() {
    if (rows_ != nullptr) SB_SYMBOL(cudnn_library(), cudnnDestroyTensorDescriptor)(rows_);
    if (handle_ != nullptr) SB_SYMBOL(cudnn_library(), cudnnDestroy)(handle_);
  }
  CudnnRows(const CudnnRows&) = delete;
  CudnnRows& operator=(const CudnnRows&) = delete;

  void softmax(cudnnSoftmaxAlgorithm_t algorithm, const void* x, void* y) const {
    static auto* const run = SB_SYMBOL(cudnn_library(), cudnnSoftmaxForward);
    check_cudnn(SB_SYMBOL(cudnn_library(), cudnnSetStream)(handle_, launch_stream),
                "cudnnSetStream");
    constexpr float kOne = 1, kZero = 0;
    check_cudnn(
        run(handle_, algorithm, CUDNN_SOFTMAX_MODE_INSTANCE, &kOne, rows_, x, &kZero, rows_, y),
        "cudnnSoftmaxForward");
  }

 private:
  cudnnHandle_t handle_ = nullptr;
  cudnnTensorDescriptor_t rows_ = nullptr;
};

struct Cudnn {
  template <typename T, Result kResult>
  static DeviceRun prepare(const Shape& s) {
    const auto rows = std::make_shared<CudnnRows>(s, kDataType<T>);
    return [rows](const Operands& o) {
      rows->softmax(kResult == Result::kSoftmax ? CUDNN_SOFTMAX_ACCURATE : CUDNN_SOFTMAX_LOG,
                    o.get<void>(kX), o.get<void>(kY));
    };
  }
};

std::string why_not_cudnn(const Problem& problem) {
  const Shape s(problem);
  if (s.rows * s.stride > 0x7fffffff) return "more than 2^31 elements";
  return cudnn_library().why_not();
}

const RowRegistration<Cudnn> registration{
    Variant{.name = "cudnn", .summary = "cudnnSoftmaxForward, accurate", .why_not = why_not_cudnn},
    Code::kLibrary};

}  // namespace
}  // namespace sb::softmax::cudnn_cu
#endif
