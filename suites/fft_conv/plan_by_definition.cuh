// Transforms by definition on the host, as UnfusedConvolution wants its plans: they stand in for
// cuFFT where the launches around it run without a GPU.
#pragma once

#include <cmath>
#include <complex>
#include <cstdint>
#include <numbers>
#include <vector>

#include "backend/device_types.cuh"

namespace sb::fft_conv {
namespace {

template <int kStep>
class PlanByDefinition {
 public:
  PlanByDefinition(std::int64_t n, std::int64_t batch) : n_(n), batch_(batch) {}

  void complex(float2* data, bool forward) const {
    for (std::int64_t row = 0; row < batch_; ++row) {
      std::vector<std::complex<double>> x(static_cast<std::size_t>(n_));
      for (std::size_t i = 0; i < x.size(); ++i) {
        x[i] = {data[row * n_ + static_cast<std::int64_t>(i)].x,
                data[row * n_ + static_cast<std::int64_t>(i)].y};
      }
      for (std::int64_t k = 0; k < n_; ++k) {
        const std::complex<double> y = transformed(x, k, forward);
        data[row * n_ + k] = {static_cast<float>(y.real()), static_cast<float>(y.imag())};
      }
    }
  }
  void real_forward(const float* from, float2* to) const {
    std::vector<float2> all(static_cast<std::size_t>(batch_ * n_));
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = {from[i], 0};
    complex(all.data(), true);
    for (std::int64_t i = 0; i < batch_ * bins(); ++i) {
      to[i] = all[static_cast<std::size_t>(i / bins() * n_ + i % bins())];
    }
  }
  void real_back(const float2* from, float* to) const {
    std::vector<float2> all(static_cast<std::size_t>(batch_ * n_));
    for (std::int64_t i = 0; i < batch_ * n_; ++i) {
      const std::int64_t k = i % n_, row = i / n_;
      const float2 x = from[row * bins() + (k < bins() ? k : n_ - k)];
      all[static_cast<std::size_t>(i)] = {x.x, k < bins() ? x.y : -x.y};
    }
    complex(all.data(), false);
    for (std::size_t i = 0; i < all.size(); ++i) to[i] = all[i].x;
  }

 private:
  std::int64_t bins() const { return n_ / 2 + 1; }
  std::complex<double> transformed(const std::vector<std::complex<double>>& x, std::int64_t k,
                                   bool forward) const {
    std::complex<double> sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double turn =
          static_cast<double>(static_cast<std::int64_t>(i) * k % n_) / static_cast<double>(n_);
      const std::complex<double> w = std::polar(1.0, -2 * std::numbers::pi * turn);
      sum += x[i] * (forward ? w : std::conj(w));
    }
    return sum;
  }

  std::int64_t n_, batch_;
};

}  // namespace
}  // namespace sb::fft_conv
