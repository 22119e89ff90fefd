// A problem's operands as the flash2 kernels on a GPU want them, and what they cannot do.
#pragma once

#include <string>

#include "backend/device_variant.cuh"
#include "suites/attention/attention_op.h"
#include "suites/attention/flash2_device.cuh"

namespace sb::attention {
namespace {

template <int kD>
FlashCall flash_call(const Problem& problem, const Operands& o) {
  const Shape s(problem);
  constexpr int kRows = Tile<kD>::kRows;
  return {.q = o.get<void>(forward::kQ),
          .k = o.get<void>(forward::kK),
          .v = o.get<void>(forward::kV),
          .o = o.get<void>(forward::kO),
          .lse = problem.params.flag("lse") ? o.get<float>(forward::kLse) : nullptr,
          .queries = {s.h * s.m * s.row, s.query_head(0, 1), s.query_stride()},
          .keys = {s.hkv * s.n * s.row, s.key_head(0, 1), s.key_stride()},
          .h = static_cast<int>(s.h),
          .group = static_cast<int>(s.group()),
          .m = static_cast<int>(s.m),
          .n = static_cast<int>(s.n),
          .diagonal = static_cast<int>(s.diagonal()),
          .scale_log2e = static_cast<float>(s.scale() * kLog2E),
          .row_tiles = static_cast<int>((s.m + kRows - 1) / kRows)};
}

inline std::string why_not_flash2(const Problem& problem) {
  const Shape s(problem);
  if (s.d != 64 && s.d != 80 && s.d != 96 && s.d != 128 && s.d != 256) {
    return "built for head sizes 64, 80, 96, 128 and 256";
  }
  if (s.row % 8 != 0) return "rows must begin at multiples of 16 bytes";
  if (s.m > 1 << 30 || s.n > 1 << 30) return "more than 2^30 rows";
  return "";
}

template <typename T, int kD, Bug kBug = Bug::kNone>
DeviceRun flash2_run(const Problem& problem) {
  return [problem](const Operands& o) {
    const FlashCall call = flash_call<kD>(problem, o);
    const Shape s(problem);
    launch({.x = static_cast<unsigned>(s.b * s.h * call.row_tiles),
            .threads = kTileThreads,
            .shared_bytes = Tile<kD>::kSharedBytes},
           flash2_forward<T, kD, kBug>, call);
  };
}

}  // namespace
}  // namespace sb::attention
