#include "suites/softmax/online_split.cuh"

#include "suites/softmax/row_variant.cuh"

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
          .piece = (piece + 7) / 8 * 8,
          .pieces = static_cast<int>(pieces)};
}

struct OnlineSplit {
  template <typename T, Result kResult>
  static DeviceRun prepare(const Shape& s) {
    const Split split = split_of(s);
    const auto blocks = static_cast<std::size_t>(s.rows * split.pieces);
    // Shared, because a std::function can be copied.
    auto maxima = std::make_shared<DeviceArray>(blocks * sizeof(float));
    auto sums = std::make_shared<DeviceArray>(blocks * sizeof(double));
    return [=](const Operands& o) {
      const Blocks grid{.x = static_cast<unsigned>(blocks), .threads = kThreads};
      launch(grid, sum_pieces<T, kThreads>, o.get<T>(kX), maxima->template as<float>(),
             sums->template as<double>(), split);
      launch(grid, write_pieces<T, kResult, kThreads>, o.get<T>(kX), o.get<T>(kY),
             maxima->template as<float>(), sums->template as<double>(), split);
    };
  }
};

const RowRegistration<OnlineSplit> registration{
    Variant{.name = "online_split",
            .summary = "online, each row split across blocks; a second launch merges and writes",
            .bytes_algorithm = [](const Problem& problem) { return bytes_moved(problem, 3); }}};

}  // namespace
}  // namespace sb::softmax
