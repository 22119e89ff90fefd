// dense_table with CUB's merge sort: compiled by nvcc only, not run on fibers.
#if defined(__CUDACC__)
#include <cub/device/device_merge_sort.cuh>

#include "suites/tensor_bleu/dense_table_call.cuh"

namespace sb::tensor_bleu::dense_table_cub_cu {
namespace {

struct BeforeInOrder {
  const std::int64_t* tokens;
  int n;
  __device__ bool operator()(int a, int b) const { return compare(tokens, a, b, n) < 0; }
};

class CubSort {
 public:
  // Of `count` items.
  explicit CubSort(int count) : workspace_(workspace_bytes(count)) {}

  void operator()(const DenseCall& call, int n) const {
    std::size_t bytes = workspace_.size();
    sort(workspace_.data(), bytes, call.items, call.sorted, {call.tokens, n});
  }

 private:
  static void sort(void* workspace, std::size_t& bytes, int* items, int count,
                   const BeforeInOrder& before) {
    check_cuda(
        cub::DeviceMergeSort::SortKeys(workspace, bytes, items, count, before, launch_stream),
        "cub::DeviceMergeSort");
  }
  static std::size_t workspace_bytes(int count) {
    std::size_t bytes = 0;
    sort(nullptr, bytes, nullptr, count, {nullptr, 1});
    return bytes;
  }

  DeviceArray workspace_;
};

const DeviceRegistration registration{Variant{.op = "tensor_bleu",
                                              .name = "dense_table_cub",
                                              .dtypes = {Dtype::kI64},
                                              .summary = "dense_table, sorted by CUB's merge sort",
                                              .paper = "arXiv:2510.05485",
                                              .why_not = why_not_dense},
                                      dense_table_run<DenseBug::kNone, CubSort>, Code::kLibrary};

}  // namespace
}  // namespace sb::tensor_bleu::dense_table_cub_cu
#endif
