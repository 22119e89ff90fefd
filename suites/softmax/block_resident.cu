#include "suites/softmax/block_resident.cuh"

#include <algorithm>
#include <string>

#include "backend/device_variant.cuh"
#include "suites/softmax/softmax_op.h"

namespace sb::softmax {
namespace {

template <int kThreads, int kGroups>
void run(const Shape& s, const Operands& o) {
  launch({.x = static_cast<unsigned>(s.rows), .threads = kThreads},
         block_resident<kThreads, kGroups>, o.get<float>(kX), o.get<float>(kY), s.cols, s.stride);
}

constexpr std::int64_t kMostCols = 4 * 1024 * 8;

DeviceRun prepare(const Problem& problem) {
  return [s = Shape(problem)](const Operands& o) {
    if (s.rows == 0 || s.cols == 0) return;
    if (s.cols <= 1024) return run<256, 1>(s, o);
    if (s.cols <= 4096) return run<256, 4>(s, o);
    if (s.cols <= 8192) return run<256, 8>(s, o);
    run<1024, 8>(s, o);
  };
}

const DeviceRegistration registration{
    Variant{.op = "softmax",
            .name = "block_resident",
            .summary = "a block per row, the row in registers; at most 32768 columns",
            .why_not =
                [](const Problem& problem) {
                  return Shape(problem).cols > kMostCols
                             ? std::string("a block's registers hold 32768 columns; use online")
                             : "";
                }},
    prepare};

}  // namespace
}  // namespace sb::softmax
