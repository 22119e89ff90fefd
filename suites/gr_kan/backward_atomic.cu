#include "suites/gr_kan/backward_device.cuh"

namespace sb::gr_kan::backward_atomic_cu {
namespace {

constexpr unsigned kMostBlocks = 4096;

DeviceRun prepare(const Problem& problem) {
  const Shape s(problem);
  const unsigned blocks = std::min(blocks_for(s.elements(), 256), kMostBlocks);
  return backward_run(problem, backward_atomic<>, {.x = blocks, .threads = 256}, 1);
}

const DeviceRegistration registration{
    Variant{
        .op = "gr_kan_backward",
        .name = "atomic",
        .summary = "ten atomic additions to global memory per element",
    },
    prepare};

}  // namespace
}  // namespace sb::gr_kan::backward_atomic_cu
