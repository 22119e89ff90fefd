// attention_decode as one launch of blocks that live together.
#pragma once

#include <algorithm>

#include "suites/attention/decode_call.cuh"
#include "suites/attention/lean_device.cuh"

namespace sb::attention {
namespace {

// Ranges of each worker, as places in the plan's list: workers ascend along it.
inline std::vector<int> first_ranges(const std::vector<KeyRange>& plan, int workers) {
  std::vector<int> first(static_cast<std::size_t>(workers) + 1, static_cast<int>(plan.size()));
  for (std::size_t i = plan.size(); i-- > 0;) {
    first[static_cast<std::size_t>(plan[i].worker)] = static_cast<int>(i);
  }
  for (std::size_t w = first.size() - 1; w-- > 0;) first[w] = std::min(first[w], first[w + 1]);
  return first;
}

template <typename Split, int kRows, DecodeBug kBug = DecodeBug::kNone>
DeviceRun lean_run(const Problem& problem) {
  const Shape s(problem);
  const int row_blocks = static_cast<int>((s.group() + kRows - 1) / kRows);
  const int together = blocks_together(decode_lean<Split, kRows, kBug>, kDecodeThreads);
  if (row_blocks > together) throw std::runtime_error("lean: more query heads than blocks");
  const int workers = together / row_blocks;
  const std::vector<KeyRange> plan = plan_lean(s, workers);
  const auto first_of_block = on_device(first_ranges(plan, workers));
  const auto flags =
      on_device(std::vector<unsigned>(plan.size() * static_cast<std::size_t>(row_blocks)));
  return [=, work = DecodeWork(s, plan)](const Operands& o) {
    launch_together({.x = static_cast<unsigned>(workers),
                     .y = static_cast<unsigned>(row_blocks),
                     .threads = kDecodeThreads},
                    decode_lean<Split, kRows, kBug>, decode_call(s, work, o),
                    LeanWork{first_of_block->as<int>(), flags->as<unsigned>()});
  };
}

}  // namespace
}  // namespace sb::attention
