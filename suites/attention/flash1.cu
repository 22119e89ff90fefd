#include "suites/attention/flash1_call.cuh"

namespace sb::attention::flash1_cu {
namespace {

template <typename T>
DeviceRun prepare_for(const Problem& problem) {
  return Shape(problem).d == 64 ? flash1_run<T, 64>(problem) : flash1_run<T, 128>(problem);
}

DeviceRun prepare(const Problem& problem) {
  return problem.dtype == Dtype::kBf16 ? prepare_for<Bf16>(problem) : prepare_for<F16>(problem);
}

std::string why_not_flash1(const Problem& problem) {
  const Shape s(problem);
  if (s.d != 64 && s.d != 128) return "built for head sizes 64 and 128";
  if (s.row % 8 != 0) return "rows must begin at multiples of 16 bytes";
  if (s.m > 1 << 30 || s.n > 1 << 30) return "more than 2^30 rows";
  return "";
}

// Queries in and outputs to and fro, in float, once per tile of keys.
double bytes_algorithm(const Problem& problem) {
  const Shape s(problem);
  const double tiles = s.visible_pairs() / static_cast<double>(s.m * Flash1Tile<64>::kKeys);
  const double rows = static_cast<double>(s.b * s.h * s.m) * s.d;
  return rows * tiles * (2 + 8) + 2 * rows + 2 * 2 * static_cast<double>(s.b * s.h * s.n) * s.d;
}

const DeviceRegistration registration{
    Variant{.op = "attention",
            .name = "flash1",
            .dtypes = {Dtype::kBf16, Dtype::kF16},
            .summary = "a block per head, keys outside, queries inside; warps share the keys",
            .paper = "arXiv:2205.14135 algorithm 1",
            .bytes_algorithm = bytes_algorithm,
            .why_not = why_not_flash1},
    prepare};

}  // namespace
}  // namespace sb::attention::flash1_cu
