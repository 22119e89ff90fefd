// A problem's operands as the backward kernels on a GPU want them.
#pragma once

#include <memory>
#include <string>

#include "backend/device_variant.cuh"
#include "suites/attention/attention_op.h"
#include "suites/attention/backward_device.cuh"

namespace sb::attention {
namespace {

inline BackwardCall backward_call(const Problem& problem, const Operands& o, float* delta) {
  const Shape s(problem);
  return {.q = o.get<void>(backward::kQ),
          .k = o.get<void>(backward::kK),
          .v = o.get<void>(backward::kV),
          .o = o.get<void>(backward::kO),
          .d_o = o.get<void>(backward::kDO),
          .lse = o.get<float>(backward::kLse),
          .delta = delta,
          .dq = o.get<void>(backward::kDQ),
          .dk = o.get<void>(backward::kDK),
          .dv = o.get<void>(backward::kDV),
          .queries = {s.h * s.m * s.row, s.query_head(0, 1), s.query_stride()},
          .keys = {s.hkv * s.n * s.row, s.key_head(0, 1), s.key_stride()},
          .h = static_cast<int>(s.h),
          .hkv = static_cast<int>(s.hkv),
          .group = static_cast<int>(s.group()),
          .m = static_cast<int>(s.m),
          .n = static_cast<int>(s.n),
          .d = s.d,
          .diagonal = static_cast<int>(s.diagonal()),
          .scale = static_cast<float>(s.scale()),
          .scale_log2e = static_cast<float>(s.scale() * kLog2E)};
}

inline std::string why_not_backward(const Problem& problem) {
  const Shape s(problem);
  if (s.d != 64 && s.d != 80 && s.d != 96 && s.d != 128) {
    return "built for head sizes 64, 80, 96 and 128";
  }
  if (s.row % 8 != 0) return "rows must begin at multiples of 16 bytes";
  if (s.m > 1 << 30 || s.n > 1 << 30) return "more than 2^30 rows";
  return "";
}

// kInKeys (and what goes before it), kInQueries: planted bugs.
template <typename T, int kD, BackwardBug kInKeys = BackwardBug::kNone,
          BackwardBug kInQueries = kInKeys>
DeviceRun backward_run(const Problem& problem) {
  using Size = BackwardTile<kD>;
  const Shape s(problem);
  const std::int64_t rows = s.b * s.h * s.m;
  auto delta = std::make_shared<DeviceArray>(static_cast<std::size_t>(rows) * sizeof(float));
  return [=](const Operands& o) {
    BackwardCall call = backward_call(problem, o, delta->template as<float>());
    launch(
        {.x = static_cast<unsigned>((rows + kTileWarps - 1) / kTileWarps), .threads = kTileThreads},
        backward_delta<T, kInKeys>, call, static_cast<int>(rows));
    const auto launch_tiles = [&](auto kernel, std::int64_t heads, std::int64_t length) {
      call.tiles = static_cast<int>((length + Size::kRows - 1) / Size::kRows);
      launch({.x = static_cast<unsigned>(heads * call.tiles),
              .threads = kTileThreads,
              .shared_bytes = Size::kSharedBytes},
             kernel, call);
    };
    launch_tiles(backward_keys<T, kD, kInKeys>, s.b * s.hkv, s.n);
    launch_tiles(backward_queries<T, kD, kInQueries>, s.b * s.h, s.m);
  };
}

}  // namespace
}  // namespace sb::attention
