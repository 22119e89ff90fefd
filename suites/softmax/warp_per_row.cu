#include "suites/softmax/warp_per_row.cuh"

#include "suites/softmax/row_variant.cuh"

namespace sb::softmax::warp_per_row_cu {
namespace {

struct WarpPerRow {
  template <typename T, Result kResult, int kEach>
  static DeviceRun run(const Shape& s) {
    return [s](const Operands& o) {
      const Blocks blocks{.x = static_cast<unsigned>((s.rows + kRowsPerBlock - 1) / kRowsPerBlock),
                          .threads = 32 * kRowsPerBlock};
      launch(blocks, warp_per_row<T, kResult, kEach>, o.get<T>(kX), o.get<T>(kY), s.rows, s.cols,
             s.stride);
    };
  }
  template <typename T, Result kResult>
  static DeviceRun prepare(const Shape& s) {
    if (s.cols <= less_in_warp<T>(16)) return run<T, kResult, kWidth<T>>(s);
    if (s.cols <= less_in_warp<T>(32)) return run<T, kResult, 16>(s);
    return run<T, kResult, 32>(s);
  }
};

const RowRegistration<WarpPerRow> registration{
    Variant{.name = "warp_per_row",
            .summary = "a warp per row, the row in registers; at most 1024 columns",
            .why_not = why_too_long(1024, "block_resident")}};

}  // namespace
}  // namespace sb::softmax::warp_per_row_cu
