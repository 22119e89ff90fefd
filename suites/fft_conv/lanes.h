// The transform with a sequence per lane: its plan, and its functions for one
// instruction set.
#pragma once

#include <cstdint>
#include <vector>

#include "core/buffer.h"

namespace sb::fft_conv {

inline constexpr std::int64_t kLongestInLanes = 4096;

struct LanesLevel {
  std::int64_t stride = 0;
  const float* twiddles = nullptr;  // W^j, W^2j, W^3j (re, im each) for j < stride
};

// Radix 4 throughout, and a last radix 2 if log2 n is odd.
struct LanesPlan {
  explicit LanesPlan(std::int64_t n);

  std::int64_t n;
  bool odd = false;
  std::vector<LanesLevel> levels;

 private:
  std::vector<Buffer> tables_;
};

struct LanesEngine {
  std::int64_t rows = 0;  // sequences that go together: two per lane
  void (*spectrum)(const LanesPlan&, float* work, const float* k, std::int64_t lk, float* to);
  void (*convolve)(const LanesPlan&, float* work, const float* spectrum);
  void (*in)(const float* rows, std::int64_t n, float* work);
  void (*out)(const float* work, std::int64_t n, float* rows);
};

}  // namespace sb::fft_conv
