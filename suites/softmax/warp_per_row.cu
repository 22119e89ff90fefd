#include "suites/softmax/warp_per_row.cuh"

#include <algorithm>
#include <string>

#include "backend/device_variant.cuh"
#include "suites/softmax/softmax_op.h"

namespace sb::softmax {
namespace {

template <int kGroups>
void run(const Shape& s, const Operands& o) {
  const Blocks blocks{.x = static_cast<unsigned>((s.rows + kRowsPerBlock - 1) / kRowsPerBlock),
                      .threads = 32 * kRowsPerBlock};
  launch(blocks, warp_per_row<kGroups>, o.get<float>(kX), o.get<float>(kY), s.rows, s.cols,
         s.stride);
}

constexpr std::int64_t kMostCols = 1024;  // 32 values a lane

DeviceRun prepare(const Problem& problem) {
  return [s = Shape(problem)](const Operands& o) {
    if (s.rows == 0 || s.cols == 0) return;
    if (s.cols <= 128) return run<1>(s, o);
    if (s.cols <= 256) return run<2>(s, o);
    if (s.cols <= 512) return run<4>(s, o);
    run<8>(s, o);
  };
}

const DeviceRegistration registration{
    Variant{.op = "softmax",
            .name = "warp_per_row",
            .summary = "a warp per row, the row in registers; at most 1024 columns",
            .why_not =
                [](const Problem& problem) {
                  return Shape(problem).cols > kMostCols
                             ? std::string("a warp's registers hold 1024 columns; block_resident")
                             : "";
                }},
    prepare};

}  // namespace
}  // namespace sb::softmax
