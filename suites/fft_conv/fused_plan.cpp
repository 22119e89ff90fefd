#include "suites/fft_conv/fused_plan.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>

namespace sb::fft_conv {
namespace {

// Longer rows get their real pass's factors in two steps: the table would be as large as a row.
constexpr std::int64_t kLongestTable = 16384;
// Powers of two apart, all blocks of a long row would fall into one set of a cache.
constexpr std::int64_t kPad = 16;

double angle_of(std::int64_t index, std::int64_t n) {
  return -2 * std::numbers::pi * static_cast<double>(index % n) / static_cast<double>(n);
}

void push(std::vector<float>& to, const std::vector<double>& angles) {
  for (const double a : angles) to.push_back(static_cast<float>(std::cos(a)));
  for (const double a : angles) to.push_back(static_cast<float>(std::sin(a)));
}

// 16 columns from j on, of the factor exp(-2 pi i (j r)/n + shift).
std::vector<double> sixteen(std::int64_t j, std::int64_t r, std::int64_t n, double shift = 0) {
  std::vector<double> angles;
  for (std::int64_t lane = 0; lane < 16; ++lane) {
    angles.push_back(angle_of((j + lane) * r, n) + shift);
  }
  return angles;
}

// Radix 8 fills the registers best; 2 and 4 take what is left over, where blocks are longest and a
// pass is bound by the cache anyway.
std::vector<int> radices_of(std::int64_t size) {
  std::vector<int> radices;
  while (size % 8 == 0) {
    radices.push_back(8);
    size /= 8;
  }
  if (size > 1) radices.insert(radices.begin(), static_cast<int>(size));
  return radices;
}

}  // namespace

std::vector<int> own_frequencies(int radix) {
  if (radix == 2) return {};
  std::vector<int> all;
  for (int r = 1; r < radix; r += 4) all.push_back(r);
  for (const int r : own_frequencies(radix / 2)) all.push_back(2 * r);
  return all;
}

FusedPlan::FusedPlan(std::int64_t points, bool half_rows, int lanes) : n(points), half(half_rows) {
  // A real transform of 16 fills 32 registers; with 16 of them, 8 is what fits.
  radix = static_cast<int>(std::min<std::int64_t>(lanes == 16 ? 16 : 8, n / 64));
  if (radix < 4) throw std::invalid_argument("the fused convolution needs n >= 256");
  s = n / radix;
  const std::int64_t smallest = lanes == 1 ? 1 : 64;
  contiguous = s == smallest;
  apart = s >= 256 ? s + kPad : s;
  // Not a multiple of a page, or loads of one plane wait for stores to the other.
  plane = apart * radix + 512 + kPad;
  make_real_pass();
  make_levels(s / smallest);
  make_innermost(lanes);
}

void FusedPlan::make_levels(std::int64_t size_over_smallest) {
  std::int64_t size = s;
  for (const int r : radices_of(size_over_smallest)) {
    FusedLevel level{.radix = r, .stride = size / r};
    std::vector<float> twiddles;
    for (std::int64_t j = 0; j < level.stride; j += 16) {
      push(twiddles, sixteen(j, 1, size, -std::numbers::pi / 4));
      for (int slot = 1; slot < r; ++slot) push(twiddles, sixteen(j, slot, size));
    }
    level.twiddles = keep(std::move(twiddles));
    levels.push_back(level);
    size = level.stride;
  }
}

// AVX-512: W64^(lane r), then W16^(lane%4 r), r = 1 ... 3. AVX2: W64^(lane r), r = 0 ... 7, where
// slot 0 is as in FusedLevel.
void FusedPlan::make_innermost(int lanes) {
  std::vector<float> twiddles;
  const auto row = [&](int r, int n_of_row, int period, double shift) {
    std::vector<double> angles;
    for (int lane = 0; lane < lanes; ++lane) {
      angles.push_back(angle_of(lane % period * r, n_of_row) + shift);
    }
    push(twiddles, angles);
  };
  if (lanes == 16) {
    for (int r = 1; r < 4; ++r) row(r, 64, 16, 0);
    for (int r = 1; r < 4; ++r) row(r, 16, 4, 0);
  } else {
    row(1, 64, 8, -std::numbers::pi / 4);
    for (int r = 1; r < 8; ++r) row(r, 64, 8, 0);
  }
  innermost = keep(std::move(twiddles));
}

const float* FusedPlan::keep(std::vector<float> values) {
  tables_.emplace_back(values.size() * sizeof(float));
  std::copy(values.begin(), values.end(), tables_.back().as<float>());
  return tables_.back().as<float>();
}

void FusedPlan::make_real_pass() {
  std::vector<int> frequencies = own_frequencies(radix);
  frequencies.push_back(radix / 2);
  std::vector<float> first, rest;
  if (n <= kLongestTable) {
    for (std::int64_t j = 0; j < s; j += 16) {
      for (const int r : frequencies) push(first, sixteen(j, r, n));
    }
    table = keep(std::move(first));
    return;
  }
  for (const int r : frequencies) push(first, sixteen(0, r, n));
  for (std::int64_t j = 0; j < s; j += 16) {
    for (const int r : frequencies) push(rest, {angle_of(j * r, n)});
  }
  columns = keep(std::move(first));
  steps = keep(std::move(rest));
}

}  // namespace sb::fft_conv
