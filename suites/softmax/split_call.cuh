// Launches of the kernels that split rows across blocks.
#pragma once

#include <algorithm>
#include <memory>

#include "suites/softmax/row_variant.cuh"
#include "suites/softmax/split_rows.cuh"

namespace sb::softmax {
namespace {

inline constexpr std::int64_t kLeastPiece = 8192;  // 32 elements a thread
inline constexpr int kMostPieces = 256;            // of a row

inline Split split_of(const Shape& s, std::int64_t least_piece) {
  const auto pieces = std::clamp<std::int64_t>(s.cols / least_piece, 1, kMostPieces);
  const std::int64_t piece = ((s.cols + pieces - 1) / pieces + 7) / 8 * 8;
  return {.cols = s.cols,
          .stride = s.stride,
          .piece = piece,
          .pieces = static_cast<int>((s.cols + piece - 1) / piece)};
}

// kInSum, kInWrite: planted bugs.
template <typename Method, Bug kInSum = Bug::kNone, Bug kInWrite = Bug::kNone, int kThreads = 256>
struct SplitLauncher {
  template <typename T, Result kResult>
  static DeviceRun prepare(const Shape& s) {
    return run<T, kResult>(split_of(s, kLeastPiece), s.rows);
  }

  template <typename T, Result kResult>
  static DeviceRun run(const Split& split, std::int64_t rows) {
    const auto blocks = static_cast<std::size_t>(rows * split.pieces);
    // Shared, because a std::function can be copied.
    auto maxima = std::make_shared<DeviceArray>(blocks * sizeof(float));
    auto sums = std::make_shared<DeviceArray>(blocks * sizeof(double));
    return [=](const Operands& o) {
      const Blocks grid{.x = static_cast<unsigned>(blocks), .threads = kThreads};
      launch(grid, sum_pieces<Method, T, kThreads, kInSum>, o.get<T>(kX),
             maxima->template as<float>(), sums->template as<double>(), split);
      launch(grid, write_pieces<Method, T, kResult, kThreads, kInWrite>, o.get<T>(kX), o.get<T>(kY),
             maxima->template as<float>(), sums->template as<double>(), split);
    };
  }
};

}  // namespace
}  // namespace sb::softmax
