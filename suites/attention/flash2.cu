#include "suites/attention/flash2_call.cuh"

namespace sb::attention::flash2_cu {
namespace {

template <typename T>
DeviceRun prepare_for(const Problem& problem) {
  switch (Shape(problem).d) {
    case 64:
      return flash2_run<T, 64>(problem);
    case 80:
      return flash2_run<T, 80>(problem);
    case 96:
      return flash2_run<T, 96>(problem);
    case 128:
      return flash2_run<T, 128>(problem);
    default:
      return flash2_run<T, 256>(problem);
  }
}

DeviceRun prepare(const Problem& problem) {
  return problem.dtype == Dtype::kBf16 ? prepare_for<Bf16>(problem) : prepare_for<F16>(problem);
}

// Keys and values once per tile of query rows that sees them.
double bytes_algorithm(const Problem& problem) {
  const Shape s(problem);
  const double rows = s.d <= 128 ? 128 : 64;
  const double pairs =
      s.visible_pairs() + static_cast<double>(s.causal == "none" ? 0 : s.m) * rows / 2;
  const double queries = 2.0 * static_cast<double>(s.b * s.h * s.m) * s.d;
  return (queries + 2.0 * static_cast<double>(s.b * s.h) * pairs / rows * s.d) * 2;
}

const DeviceRegistration registration{
    Variant{.op = "attention",
            .name = "flash2",
            .dtypes = {Dtype::kBf16, Dtype::kF16},
            .summary = "tensor cores (mma.sync), 32 query rows a warp, scores stay in registers",
            .paper = "arXiv:2307.08691 algorithm 1",
            .bytes_algorithm = bytes_algorithm,
            .why_not = why_not_flash2},
    prepare};

}  // namespace
}  // namespace sb::attention::flash2_cu
