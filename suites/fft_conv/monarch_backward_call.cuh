// Launches of the Monarch convolution's backward pass.
#pragma once

#include "suites/fft_conv/monarch_backward_device.cuh"
#include "suites/fft_conv/monarch_call.cuh"

namespace sb::fft_conv {
namespace {

// kInSpectra: a planted bug of the kernels' spectra; kInSum: of dk's last steps.
template <Bug kBug = Bug::kNone, Bug kInSpectra = kBug, Bug kInSum = kBug>
DeviceRun monarch_backward_run(const Problem& problem) {
  const Shape s(problem);
  const MonarchTables plan(s.n);
  const auto chunks = static_cast<int>(chunks_of(s));
  const int parts = chunks * plan.t.rows;
  const auto spectra = std::make_shared<DeviceSpectra>(s, plan);
  const auto of_parts = [&] {
    return std::make_shared<DeviceArray>(static_cast<std::size_t>(s.h * parts * s.n / 2) *
                                         sizeof(Complex));
  };
  const auto kept = of_parts(), sums = of_parts();
  const auto make_spectra = [=](const Operands& o) {
    spectra->template make<kInSpectra>(o.get<float>(backward::kK));
  };
  const auto differentiate = [=](const Operands& o) {
    const auto gate = [&](int place) { return s.gated ? o.get<void>(place) : nullptr; };
    Blocks of_channels = plan.blocks(1, s.h);
    of_channels.x = static_cast<unsigned>(chunks);
    launch(
        of_channels, monarch_backward<kBug>,
        BackwardCall{o.get<void>(backward::kU), o.get<void>(backward::kDy), gate(backward::kGateIn),
                     gate(backward::kGateOut), o.get<void>(backward::kDu), gate(backward::kDGateIn),
                     gate(backward::kDGateOut), spectra->values.template as<Complex>(),
                     kept->template as<Complex>(), sums->template as<Complex>(),
                     storage_of(problem), static_cast<int>(s.b), static_cast<int>(s.h),
                     static_cast<int>(s.l), chunks, plan.t});
    launch(plan.blocks(s.h), monarch_sum<kInSum>,
           SumCall{sums->template as<Complex>(), o.get<float>(backward::kDk), static_cast<int>(s.h),
                   parts, static_cast<int>(s.lk), plan.t});
  };
  if (s.cached) return {make_spectra, differentiate};
  return [=](const Operands& o) {
    make_spectra(o);
    differentiate(o);
  };
}

}  // namespace
}  // namespace sb::fft_conv
