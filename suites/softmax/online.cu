#include "suites/softmax/online.cuh"

#include "suites/softmax/row_variant.cuh"

namespace sb::softmax::online_cu {
namespace {

struct Online {
  template <typename T, Result kResult>
  static DeviceRun prepare(const Shape& s) {
    return [s](const Operands& o) {
      launch({.x = static_cast<unsigned>(s.rows), .threads = 256}, online<T, kResult, 256>,
             o.get<T>(kX), o.get<T>(kY), s.cols, s.stride);
    };
  }
};

const RowRegistration<Online> registration{
    Variant{.name = "online",
            .summary = "a block per row of any length: maximum and sum in one pass, then write",
            .paper = "arXiv:1805.02867 algorithm 3",
            .bytes_algorithm = [](const Problem& problem) { return bytes_moved(problem, 3); }}};

}  // namespace
}  // namespace sb::softmax::online_cu
