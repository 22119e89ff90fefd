#include "suites/softmax/block_resident.cuh"

#include "suites/softmax/row_variant.cuh"

namespace sb::softmax::block_resident_cu {
namespace {

struct BlockResident {
  template <typename T, Result kResult, int kThreads, int kEach>
  static DeviceRun run(const Shape& s) {
    return [s](const Operands& o) {
      launch({.x = static_cast<unsigned>(s.rows), .threads = kThreads},
             block_resident<T, kResult, kThreads, kEach>, o.get<T>(kX), o.get<T>(kY), s.cols,
             s.stride);
    };
  }
  template <typename T, Result kResult>
  static DeviceRun prepare(const Shape& s) {
    if (s.cols <= less_in_block(256, 32)) return run<T, kResult, 256, 8>(s);
    if (s.cols <= less_in_block(1024, 32)) return run<T, kResult, 256, 32>(s);
    return run<T, kResult, 1024, 32>(s);
  }
};

const RowRegistration<BlockResident> registration{
    Variant{.name = "block_resident",
            .summary = "a block per row, the row in registers; at most 32768 columns",
            .why_not = why_too_long(1024 * 32, "online")}};

}  // namespace
}  // namespace sb::softmax::block_resident_cu
