#include "suites/gr_kan/backward_device.cuh"

namespace sb::gr_kan::backward_persistent_cu {
namespace {

constexpr int kThreads = 256;
constexpr int kRows = 64;  // of a tile: the released FlashKAT kernel's

constexpr unsigned kParts = 64;  // blocks per group: with 8 groups, 4 to 5 on each of 108 SMs

DeviceRun prepare(const Problem& problem) {
  const Shape s(problem);
  const unsigned parts = std::clamp(blocks_for(s.rows, kRows), 1u, kParts);
  const Blocks blocks{.x = parts, .y = static_cast<unsigned>(s.groups), .threads = kThreads};
  return backward_run(problem, backward_persistent<kThreads, kRows>, blocks,
                      static_cast<int>(parts));
}

const DeviceRegistration registration{
    Variant{
        .op = "gr_kan_backward",
        .name = "persistent",
        .summary = "one partial row per block, no atomics, the same bits every time",
    },
    prepare};

}  // namespace
}  // namespace sb::gr_kan::backward_persistent_cu
