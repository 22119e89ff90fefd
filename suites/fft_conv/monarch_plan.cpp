#include "suites/fft_conv/monarch_plan.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>

#include "suites/fft_conv/reference.h"

namespace sb::fft_conv {
namespace {

struct Root {
  float re, im;
};

Root root(std::int64_t power, std::int64_t n) {
  const double angle =
      -2 * std::numbers::pi * static_cast<double>(power % n) / static_cast<double>(n);
  return {static_cast<float>(std::cos(angle)), static_cast<float>(std::sin(angle))};
}

}  // namespace

MonarchPlan::MonarchPlan(std::int64_t n, std::vector<std::int64_t> factors, std::int64_t sparsity)
    : n_(n) {
  std::int64_t rest = n;
  for (const std::int64_t factor : factors) {
    rest /= factor;
    stages_.push_back({.factor = factor, .rest = rest});
  }
  const std::int64_t last = factors.back();
  const std::int64_t low =
      n / last;  // frequencies that share a last digit: low d ... low (d+1) - 1
  for (std::int64_t digit = 0; digit < last; ++digit) {
    if (keeps_bin(low * digit, n, sparsity) || keeps_bin(low * (digit + 1) - 1, n, sparsity)) {
      digits_.push_back(digit);
    }
  }
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    if (i + 1 == stages_.size()) {
      make_last(stages_[i]);
      continue;
    }
    i == 0 ? make_first(stages_[i]) : make_middle(stages_[i]);
    make_twiddles(stages_[i]);
  }
}

std::int64_t MonarchPlan::frequency(std::int64_t row, std::int64_t column) const {
  // The row counts k1, k2, ... with the last of them fastest.
  std::int64_t k = digits_[static_cast<std::size_t>(column)];
  for (std::size_t i = stages_.size() - 1; i-- > 0;) {
    k = k * stages_[i].factor + row % stages_[i].factor;
    row /= stages_[i].factor;
  }
  return k;
}

const float* MonarchPlan::keep(const std::vector<float>& values) {
  tables_.emplace_back(values.size() * sizeof(float));
  std::copy(values.begin(), values.end(), tables_.back().as<float>());
  return tables_.back().as<float>();
}

void MonarchPlan::make_first(MonarchStage& stage) {
  const std::int64_t f = stage.factor;
  std::vector<float> forward(static_cast<std::size_t>(2 * f * f)), inverse(forward.size());
  for (std::int64_t k = 0; k < f; ++k) {
    for (std::int64_t j = 0; j < f; ++j) {
      const Root w = root(k * j, f);
      forward[static_cast<std::size_t>(k * f + j)] = w.re;
      forward[static_cast<std::size_t>((f + k) * f + j)] = w.im;
      inverse[static_cast<std::size_t>(k * 2 * f + j)] = w.re;
      inverse[static_cast<std::size_t>(k * 2 * f + f + j)] = w.im;  // Re(conj(w) z)
    }
  }
  stage.matrix = keep(forward);
  stage.inverse = keep(inverse);
}

void MonarchPlan::make_middle(MonarchStage& stage) {
  const std::int64_t f = stage.factor;
  std::vector<float> forward(static_cast<std::size_t>(4 * f * f)), inverse(forward.size());
  for (std::int64_t k = 0; k < f; ++k) {
    for (std::int64_t j = 0; j < f; ++j) {
      const Root w = root(k * j, f);
      const auto set = [&](std::vector<float>& m, float im) {
        m[static_cast<std::size_t>(k * 2 * f + j)] = w.re;
        m[static_cast<std::size_t>(k * 2 * f + f + j)] = -im;
        m[static_cast<std::size_t>((f + k) * 2 * f + j)] = im;
        m[static_cast<std::size_t>((f + k) * 2 * f + f + j)] = w.re;
      };
      set(forward, w.im);
      set(inverse, -w.im);
    }
  }
  stage.matrix = keep(forward);
  stage.inverse = keep(inverse);
}

void MonarchPlan::make_last(MonarchStage& stage) {
  const std::int64_t f = stage.factor;
  const std::int64_t size = f * kept();
  std::vector<float> forward(static_cast<std::size_t>(2 * size)), inverse(forward.size());
  for (std::int64_t column = 0; column < kept(); ++column) {
    for (std::int64_t j = 0; j < f; ++j) {
      const Root w = root(digits_[static_cast<std::size_t>(column)] * j, f);
      forward[static_cast<std::size_t>(j * kept() + column)] = w.re;
      forward[static_cast<std::size_t>(size + j * kept() + column)] = w.im;
      inverse[static_cast<std::size_t>(column * f + j)] = w.re;
      inverse[static_cast<std::size_t>(size + column * f + j)] = -w.im;
    }
  }
  stage.matrix = keep(forward);
  stage.inverse = keep(inverse);
}

void MonarchPlan::make_twiddles(MonarchStage& stage) {
  const std::int64_t size = stage.factor * stage.rest;
  std::vector<float> values(static_cast<std::size_t>(2 * size));
  for (std::int64_t k = 0; k < stage.factor; ++k) {
    for (std::int64_t m = 0; m < stage.rest; ++m) {
      const Root w = root(k * m, size);
      values[static_cast<std::size_t>(k * stage.rest + m)] = w.re;
      values[static_cast<std::size_t>(size + k * stage.rest + m)] = w.im;
    }
  }
  stage.twiddles = keep(values);
}

std::vector<std::int64_t> shipped_factors(std::int64_t n) {
  switch (n) {
    case 256:
      return {16, 16};
    case 512:
      return {16, 32};
    case 1024:
      return {32, 32};
    case 2048:
      return {32, 64};
    case 4096:
      return {16, 16, 16};
    case 8192:
      return {32, 16, 16};
    case 16384:
      return {16, 32, 32};
    case 32768:
      return {32, 32, 32};
    case 65536:
      return {16, 16, 16, 16};
    case 131072:
      return {32, 16, 16, 16};
    case 262144:
      return {32, 32, 16, 16};
    case 524288:
      return {32, 16, 32, 32};
    case 1048576:
      return {32, 32, 32, 32};
    case 2097152:
      return {64, 32, 32, 32};
    case 4194304:
      return {128, 32, 32, 32};
    default:
      return {};
  }
}

std::vector<std::int64_t> balanced_factors(std::int64_t n, int order) {
  int bits = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(n))) - 1;
  std::vector<std::int64_t> factors;
  for (int left = order; left > 0; --left) {
    factors.push_back(std::int64_t{1} << (bits / left));
    bits -= bits / left;
  }
  return factors;
}

}  // namespace sb::fft_conv
