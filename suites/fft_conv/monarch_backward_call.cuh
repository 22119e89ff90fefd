// Launches of the Monarch convolution's backward pass.
#pragma once

#include "suites/fft_conv/monarch_backward_device.cuh"
#include "suites/fft_conv/monarch_call.cuh"

namespace sb::fft_conv {
namespace {

template <Bug kBug = Bug::kNone>
DeviceRun monarch_backward_run(const Problem& problem) {
  const Shape s(problem);
  const auto plan = std::make_shared<MonarchTables>(s.n);
  const auto chunks = static_cast<int>(chunks_of(s));
  const int parts = chunks * plan->t.rows;
  const auto spectra_bytes = [&](std::int64_t count) {
    return static_cast<std::size_t>(count * s.n / 2) * sizeof(Complex);
  };
  const auto spectra = std::make_shared<DeviceArray>(spectra_bytes(s.h));
  const auto kept = std::make_shared<DeviceArray>(spectra_bytes(s.h * parts));
  const auto sums = std::make_shared<DeviceArray>(spectra_bytes(s.h * parts));
  return [=](const Operands& o) {
    const auto gate = [&](int place) { return s.gated ? o.get<void>(place) : nullptr; };
    launch(plan->blocks(s.h), monarch_spectra<kBug>,
           spectrum_call(s, o.get<float>(backward::kK), spectra->template as<Complex>(), plan->t));
    Blocks of_channels = plan->blocks(1, s.h);
    of_channels.x = static_cast<unsigned>(chunks);
    launch(
        of_channels, monarch_backward<kBug>,
        BackwardCall{o.get<void>(backward::kU), o.get<void>(backward::kDy), gate(backward::kGateIn),
                     gate(backward::kGateOut), o.get<void>(backward::kDu), gate(backward::kDGateIn),
                     gate(backward::kDGateOut), spectra->template as<Complex>(),
                     kept->template as<Complex>(), sums->template as<Complex>(),
                     storage_of(problem), static_cast<int>(s.b), static_cast<int>(s.h),
                     static_cast<int>(s.l), chunks, plan->t});
    launch(plan->blocks(s.h), monarch_sum<kBug>,
           SumCall{sums->template as<Complex>(), o.get<float>(backward::kDk), static_cast<int>(s.h),
                   parts, static_cast<int>(s.lk), plan->t});
  };
}

}  // namespace
}  // namespace sb::fft_conv
