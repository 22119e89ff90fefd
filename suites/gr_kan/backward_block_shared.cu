#include "suites/gr_kan/backward_device.cuh"

namespace sb::gr_kan::backward_block_shared_cu {
namespace {

constexpr int kThreads = 256;
constexpr int kRows = 64;  // of a tile: the released FlashKAT kernel's

DeviceRun prepare(const Problem& problem) {
  const Shape s(problem);
  const Blocks blocks{
      .x = blocks_for(s.rows, kRows), .y = static_cast<unsigned>(s.groups), .threads = kThreads};
  return backward_run(problem, backward_block_shared<kThreads, kRows>, blocks, 1);
}

const DeviceRegistration registration{
    Variant{
        .op = "gr_kan_backward",
        .name = "block_shared",
        .summary = "tiles; threads add to shared memory, blocks to global memory",
    },
    prepare};

}  // namespace
}  // namespace sb::gr_kan::backward_block_shared_cu
