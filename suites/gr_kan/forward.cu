#include <algorithm>

#include "backend/device_variant.cuh"
#include "suites/gr_kan/forward.cuh"
#include "suites/gr_kan/gr_kan_op.h"

namespace sb::gr_kan::forward_cu {
namespace {

constexpr unsigned kMostBlocks = 4096;

DeviceRun prepare(const Problem& problem) {
  return [s = Shape(problem)](const Operands& o) {
    using namespace forward;
    if (s.elements() == 0) return;
    const auto blocks = static_cast<unsigned>((s.elements() + 255) / 256);
    launch({.x = std::min(blocks, kMostBlocks), .threads = 256}, forward_elements<>,
           o.get<float>(kX), o.get<float>(kA), o.get<float>(kB), o.get<float>(kY),
           DeviceShape{.rows = s.rows,
                       .d = s.d,
                       .group_size = s.group_size,
                       .groups = static_cast<int>(s.groups),
                       .shared_numerator = s.shared_numerator});
  };
}

const DeviceRegistration registration{
    Variant{.op = "gr_kan", .name = "vector", .summary = "a thread per element"}, prepare};

}  // namespace
}  // namespace sb::gr_kan::forward_cu
