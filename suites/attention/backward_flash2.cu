#include "suites/attention/backward_call.cuh"

namespace sb::attention::backward_flash2_cu {
namespace {

template <typename T>
DeviceRun prepare_for(const Problem& problem) {
  switch (Shape(problem).d) {
    case 64:
      return backward_run<T, 64>(problem);
    case 80:
      return backward_run<T, 80>(problem);
    case 96:
      return backward_run<T, 96>(problem);
    default:
      return backward_run<T, 128>(problem);
  }
}

DeviceRun prepare(const Problem& problem) {
  return problem.dtype == Dtype::kBf16 ? prepare_for<Bf16>(problem) : prepare_for<F16>(problem);
}

const DeviceRegistration registration{
    Variant{.op = "attention_backward",
            .name = "flash2",
            .dtypes = {Dtype::kBf16, Dtype::kF16},
            .summary = "tensor cores; dK and dV stay in one pass, dQ in another: no atomics",
            .paper = "arXiv:2307.08691 algorithm 2",
            .why_not = why_not_backward},
    prepare};

}  // namespace
}  // namespace sb::attention::backward_flash2_cu
