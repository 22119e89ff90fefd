#include <cmath>
#include <numbers>

#include "suites/fft_conv/lanes.h"

namespace sb::fft_conv {

LanesPlan::LanesPlan(std::int64_t points) : n(points) {
  std::int64_t size = n;
  for (; size >= 4; size /= 4) {
    const std::int64_t stride = size / 4;
    tables_.emplace_back(static_cast<std::size_t>(6 * stride) * sizeof(float));
    float* table = tables_.back().as<float>();
    for (std::int64_t j = 0; j < stride; ++j) {
      for (int r = 1; r < 4; ++r) {
        const double angle =
            -2 * std::numbers::pi * static_cast<double>(j * r) / static_cast<double>(size);
        *table++ = static_cast<float>(std::cos(angle));
        *table++ = static_cast<float>(std::sin(angle));
      }
    }
    levels.push_back({stride, tables_.back().as<float>()});
  }
  odd = size == 2;
}

}  // namespace sb::fft_conv
