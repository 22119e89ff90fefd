#include "suites/softmax/online_split.cuh"

#include <algorithm>
#include <string>

#include "backend/device_variant.cuh"
#include "suites/softmax/softmax_op.h"

namespace sb::softmax {
namespace {

constexpr int kThreads = 256;
constexpr std::int64_t kLeastPiece = 8192;  // 32 elements a thread
constexpr int kMostPieces = 256;

Split split_of(const Shape& s) {
  const auto pieces = std::clamp<std::int64_t>(s.cols / kLeastPiece, 1, kMostPieces);
  const std::int64_t piece = (s.cols + pieces - 1) / pieces;
  return {.cols = s.cols,
          .stride = s.stride,
          .piece = (piece + 3) / 4 * 4,
          .pieces = static_cast<int>(pieces)};
}

DeviceRun prepare(const Problem& problem) {
  const Shape s(problem);
  const Split split = split_of(s);
  const auto blocks = static_cast<std::size_t>(s.rows * split.pieces);
  // Shared, because a std::function can be copied.
  auto maxima = std::make_shared<DeviceArray>(blocks * sizeof(float));
  auto sums = std::make_shared<DeviceArray>(blocks * sizeof(double));
  return [=](const Operands& o) {
    if (s.rows == 0 || s.cols == 0) return;
    const Blocks grid{.x = static_cast<unsigned>(blocks), .threads = kThreads};
    launch(grid, sum_pieces<kThreads>, o.get<float>(kX), maxima->as<float>(), sums->as<double>(),
           split);
    launch(grid, write_pieces<kThreads>, o.get<float>(kX), o.get<float>(kY), maxima->as<float>(),
           sums->as<double>(), split);
  };
}

const DeviceRegistration registration{
    Variant{.op = "softmax",
            .name = "online_split",
            .summary = "online, each row split across blocks; a second launch merges and writes",
            .bytes_algorithm = [](const Problem& problem) { return bytes_moved(problem, 3); }},
    prepare};

}  // namespace
}  // namespace sb::softmax
