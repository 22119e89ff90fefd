#include "suites/softmax/online.cuh"

#include <algorithm>
#include <string>

#include "backend/device_variant.cuh"
#include "suites/softmax/softmax_op.h"

namespace sb::softmax {
namespace {

constexpr int kThreads = 256;

DeviceRun prepare(const Problem& problem) {
  return [s = Shape(problem)](const Operands& o) {
    if (s.rows == 0 || s.cols == 0) return;
    launch({.x = static_cast<unsigned>(s.rows), .threads = kThreads}, online<kThreads>,
           o.get<float>(kX), o.get<float>(kY), s.cols, s.stride);
  };
}

const DeviceRegistration registration{
    Variant{.op = "softmax",
            .name = "online",
            .summary = "a block per row of any length: maximum and sum in one pass, then write",
            .paper = "arXiv:1805.02867 algorithm 3",
            .bytes_algorithm = [](const Problem& problem) { return bytes_moved(problem, 3); }},
    prepare};

}  // namespace
}  // namespace sb::softmax
