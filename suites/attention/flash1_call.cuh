// A problem's operands as the flash1 kernel on a GPU wants them.
#pragma once

#include <memory>
#include <string>

#include "backend/device_variant.cuh"
#include "suites/attention/attention_op.h"
#include "suites/attention/flash1_device.cuh"

namespace sb::attention {
namespace {

template <typename T, int kD, Flash1Bug kBug = Flash1Bug::kNone>
DeviceRun flash1_run(const Problem& problem) {
  const Shape s(problem);
  const auto rows = static_cast<std::size_t>(s.b * s.h * s.m);
  auto partial = std::make_shared<DeviceArray>(rows * kD * sizeof(float));
  auto statistics = std::make_shared<DeviceArray>(2 * rows * sizeof(float));
  return [=](const Operands& o) {
    const Flash1Call call{.q = o.get<void>(forward::kQ),
                          .k = o.get<void>(forward::kK),
                          .v = o.get<void>(forward::kV),
                          .o = o.get<void>(forward::kO),
                          .lse = problem.params.flag("lse") ? o.get<float>(forward::kLse) : nullptr,
                          .partial = partial->template as<float>(),
                          .maximum = statistics->template as<float>(),
                          .sum = statistics->template as<float>() + rows,
                          .queries = {s.h * s.m * s.row, s.query_head(0, 1), s.query_stride()},
                          .keys = {s.hkv * s.n * s.row, s.key_head(0, 1), s.key_stride()},
                          .h = static_cast<int>(s.h),
                          .group = static_cast<int>(s.group()),
                          .m = static_cast<int>(s.m),
                          .n = static_cast<int>(s.n),
                          .diagonal = static_cast<int>(s.diagonal()),
                          .scale_log2e = static_cast<float>(s.scale() * kLog2E)};
    launch({.x = static_cast<unsigned>(s.b * s.h),
            .threads = kTileThreads,
            .shared_bytes = Flash1Tile<kD>::kSharedBytes},
           flash1_forward<T, kD, kBug>, call);
  };
}

}  // namespace
}  // namespace sb::attention
