// attention_decode on a GPU: cuts the contexts, keeps the parts, launches.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backend/device_variant.cuh"
#include "suites/attention/decode.h"
#include "suites/attention/decode_device.cuh"

namespace sb::attention {
namespace {

using Plan = std::vector<KeyRange> (*)(const Shape&);

// The device's copy of a plan, and memory for the parts.
struct DecodeWork {
  DecodeWork(const Shape& s, const std::vector<KeyRange>& plan)
      : count(static_cast<unsigned>(plan.size())) {
    std::vector<DeviceRange> all;
    std::vector<int> firsts;
    for (const KeyRange& range : plan) {
      while (static_cast<std::int64_t>(firsts.size()) <= range.head) {
        firsts.push_back(static_cast<int>(all.size()));
      }
      all.push_back({static_cast<int>(range.head), static_cast<int>(range.first),
                     static_cast<int>(range.end)});
    }
    firsts.push_back(static_cast<int>(all.size()));
    ranges = on_device(all);
    first_range = on_device(firsts);
    parts = std::make_shared<DeviceArray>(
        all.size() * static_cast<std::size_t>(s.group() * (2 + s.d)) * sizeof(float));
  }

  unsigned count;  // of ranges
  std::shared_ptr<DeviceArray> ranges, first_range, parts;
};

inline DecodeCall decode_call(const Shape& s, const DecodeWork& work, const Operands& o) {
  return {.q = o.get<void>(decode::kQ),
          .k = o.get<void>(decode::kK),
          .v = o.get<void>(decode::kV),
          .o = o.get<void>(decode::kO),
          .ranges = work.ranges->as<DeviceRange>(),
          .first_range = work.first_range->as<int>(),
          .parts = work.parts->as<float>(),
          .queries = {s.h * s.row, s.query_head(0, 1), s.query_stride()},
          .keys = {s.hkv * s.n * s.row, s.key_head(0, 1), s.key_stride()},
          .hkv = static_cast<int>(s.hkv),
          .group = static_cast<int>(s.group()),
          .d = s.d,
          .scale_log2e = static_cast<float>(s.scale() * kLog2E),
          .reach = kUnifiedReach};
}

template <typename Split, int kRows, bool kFixed, DecodeBug kBug = DecodeBug::kNone>
DeviceRun decode_run(const Problem& problem, Plan plan) {
  const Shape s(problem);
  return [s, work = DecodeWork(s, plan(s))](const Operands& o) {
    const DecodeCall call = decode_call(s, work, o);
    const auto rows = static_cast<unsigned>((s.group() + kRows - 1) / kRows);
    launch({.x = work.count, .y = rows, .threads = kDecodeThreads},
           decode_ranges<Split, kRows, kFixed, kBug>, call);
    launch({.x = static_cast<unsigned>(s.b * s.hkv),
            .y = static_cast<unsigned>(s.group()),
            .threads = kDecodeThreads},
           finish_decode<Split, kFixed, kBug>, call);
  };
}

// Two launches: the ranges of `kPlan`, then their merge.
template <Plan kPlan, bool kFixed>
struct SplitLauncher {
  template <typename Split, int kRows>
  static DeviceRun run(const Problem& problem) {
    return decode_run<Split, kRows, kFixed>(problem, kPlan);
  }
};

template <typename Launcher, typename Split>
DeviceRun decode_rows(const Problem& problem) {
  return Shape(problem).group() == 1 ? Launcher::template run<Split, 1>(problem)
                                     : Launcher::template run<Split, 4>(problem);
}

template <typename Launcher, typename T>
DeviceRun decode_half(const Problem& problem) {
  const int d = Shape(problem).d;
  if (d <= 64) return decode_rows<Launcher, RowSplit<T, 8, 1>>(problem);
  if (d <= 128) return decode_rows<Launcher, RowSplit<T, 16, 1>>(problem);
  return decode_rows<Launcher, RowSplit<T, 32, 1>>(problem);
}

// Launcher: a struct with `template <typename Split, int kRows> static DeviceRun run(problem)`.
template <typename Launcher>
DeviceRun decode_any(const Problem& problem) {
  if (problem.dtype == Dtype::kBf16) return decode_half<Launcher, Bf16>(problem);
  if (problem.dtype == Dtype::kF16) return decode_half<Launcher, F16>(problem);
  if (Shape(problem).d <= 64) return decode_rows<Launcher, RowSplit<float, 16, 1>>(problem);
  return decode_rows<Launcher, RowSplit<float, 32, 2>>(problem);
}

inline std::string why_not_decode(const Problem& problem) {
  const Shape s(problem);
  const std::int64_t width = 16 / static_cast<std::int64_t>(size_of(problem.dtype));
  if (s.d > kMostColumns) return "built for heads of up to 256 elements";
  if (s.d % width != 0 || s.row % width != 0) return "rows must be multiples of 16 bytes";
  return "";
}

inline Variant decode_variant(const char* name, const char* summary, const char* paper) {
  return {.op = "attention_decode",
          .name = name,
          .dtypes = {Dtype::kF32, Dtype::kBf16, Dtype::kF16},
          .summary = summary,
          .paper = paper,
          .why_not = why_not_decode};
}

inline std::vector<KeyRange> whole_contexts(const Shape& s) { return plan_unsplit(s); }
inline std::vector<KeyRange> split_contexts(const Shape& s) {
  return plan_split(s, multiprocessors());
}

}  // namespace
}  // namespace sb::attention
