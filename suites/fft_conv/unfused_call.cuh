// A convolution on a GPU as a row of launches with somebody else's transforms between them.
#pragma once

#include <algorithm>
#include <memory>

#include "backend/device_variant.cuh"
#include "suites/fft_conv/convolution.h"
#include "suites/fft_conv/pointwise_device.cuh"

namespace sb::fft_conv {
namespace {

// Enough threads to fill a GPU, 2048 a multiprocessor; they take what is left in turns.
inline Blocks pointwise_blocks(std::int64_t elements) {
  const std::int64_t blocks = (elements + kPointwiseThreads - 1) / kPointwiseThreads;
  return {.x = static_cast<unsigned>(std::clamp<std::int64_t>(blocks, 1, 8 * multiprocessors())),
          .threads = kPointwiseThreads};
}

// kStep floats from sample to sample: 2 with complex transforms, 1 with real ones. Plan(n, batch):
// batched transforms of n points, unscaled, and back:
//   complex(float2* data, bool forward)   in place
//   real_forward(float* from, float2* to), real_back(float2* from, float* to)   n/2 + 1 bins
template <typename T, int kStep, typename Plan, PointwiseBug kBug>
class UnfusedConvolution {
 public:
  explicit UnfusedConvolution(const Shape& s)
      : s_(s),
        bins_(kStep == 2 ? s.n : s.bins()),
        forward_(s.n, s.rows()),
        of_kernels_(s.n, s.h),
        gated_(bytes(s.gated ? s.elements() : 0, sizeof(float))),
        samples_(bytes(s.rows() * s.n, kStep * sizeof(float))),
        taps_(bytes(s.h * s.n, kStep * sizeof(float))),
        bins_of_rows_(bytes(kStep == 2 ? 0 : s.rows() * bins_, sizeof(float2))),
        bins_of_kernels_(bytes(kStep == 2 ? 0 : s.h * bins_, sizeof(float2))) {}

  void run(const Operands& o) const {
    float* const gated = gated_.template as<float>();
    float2* rows = nullptr;
    if (s_.gated) {
      launch(pointwise_blocks(s_.elements()), multiply_gate<T, T, float, kBug>,
             o.get<T>(forward::kU), o.get<T>(forward::kGateIn), gated, s_.elements());
      rows = transform(gated, sequences(), forward_, samples_, bins_of_rows_);
    } else {
      rows = transform(o.get<T>(forward::kU), sequences(), forward_, samples_, bins_of_rows_);
    }
    float2* const kernels = transform(o.get<float>(forward::kK), {s_.h, s_.lk, s_.n}, of_kernels_,
                                      taps_, bins_of_kernels_);
    multiply(rows, kernels);
    back(rows);
    if (s_.gated) {
      give(gated);
      launch(pointwise_blocks(s_.elements()), multiply_gate<float, T, T, kBug>, gated,
             o.get<T>(forward::kGateOut), o.get<T>(forward::kY), s_.elements());
    } else {
      give(o.get<T>(forward::kY));
    }
  }

 private:
  static std::size_t bytes(std::int64_t count, std::size_t of_one) {
    return static_cast<std::size_t>(count) * of_one;
  }

  Sequences sequences() const { return {s_.rows(), s_.l, s_.n}; }

  template <typename To>
  void give(To* rows) const {
    launch(pointwise_blocks(s_.elements()), narrow_rows<To, kStep, kBug>,
           samples_.template as<float>(), rows, sequences());
  }

  template <typename From>
  float2* transform(const From* x, const Sequences& sequences, const Plan& plan,
                    const DeviceArray& samples, const DeviceArray& bins) const {
    launch(pointwise_blocks(sequences.count * sequences.padded), widen_rows<From, kStep, kBug>, x,
           samples.as<float>(), sequences);
    if constexpr (kStep == 2) {
      plan.complex(samples.as<float2>(), true);
      return samples.as<float2>();
    } else {
      plan.real_forward(samples.as<float>(), bins.as<float2>());
      return bins.as<float2>();
    }
  }

  void multiply(float2* rows, float2* kernels) const {
    if (s_.sparsity != 0) {
      const std::int64_t first = (s_.n * (100 - s_.sparsity) + 199) / 200;
      launch(pointwise_blocks(s_.h * bins_), clear_bins<kBug>, kernels, s_.h, bins_, first,
             std::min(bins_, s_.n - first + 1));
    }
    launch(pointwise_blocks(s_.rows() * bins_), multiply_bins<kBug>, rows, kernels, s_.rows(), s_.h,
           bins_, static_cast<float>(1 / static_cast<double>(s_.n)));
  }

  void back(float2* rows) const {
    if constexpr (kStep == 2) {
      forward_.complex(rows, false);
    } else {
      forward_.real_back(rows, samples_.template as<float>());
    }
  }

  Shape s_;
  std::int64_t bins_;  // of a transform
  Plan forward_, of_kernels_;
  DeviceArray gated_, samples_, taps_, bins_of_rows_, bins_of_kernels_;
};

template <template <int> typename Plan, int kStep, typename T,
          PointwiseBug kBug = PointwiseBug::kNone>
DeviceRun unfused_of_type(const Problem& problem) {
  const auto convolution =
      std::make_shared<UnfusedConvolution<T, kStep, Plan<kStep>, kBug>>(Shape(problem));
  return [convolution](const Operands& o) { convolution->run(o); };
}

template <template <int> typename Plan, int kStep>
DeviceRun unfused_run(const Problem& problem) {
  if (problem.dtype == Dtype::kBf16) return unfused_of_type<Plan, kStep, Bf16>(problem);
  if (problem.dtype == Dtype::kF16) return unfused_of_type<Plan, kStep, F16>(problem);
  return unfused_of_type<Plan, kStep, float>(problem);
}

}  // namespace
}  // namespace sb::fft_conv
