// tensor_bleu on a GPU by block_hash: its workspace and launches.
#pragma once

#include <bit>

#include "suites/tensor_bleu/block_hash.cuh"
#include "suites/tensor_bleu/device_call.cuh"

namespace sb::tensor_bleu {
namespace {

static_assert(kMostRows == 1 + kMostReferences);

// Up to 2048 tokens the table lies in shared memory.
template <Bug kBug = Bug::kNone, ScoreBug kScoreBug = ScoreBug::kNone>
DeviceRun block_hash_run(const Problem& problem) {
  constexpr std::size_t kMostShared = 64 * 1024;
  const Shape s(problem);
  const auto slots = static_cast<int>(std::bit_ceil(static_cast<std::uint64_t>(2 * s.s)));
  const auto table_bytes = static_cast<std::size_t>(slots) * kPerSlot * sizeof(int);
  const bool shared = table_bytes <= kMostShared;
  const auto sentences = static_cast<std::size_t>(s.b);
  const auto tokens = std::make_shared<DeviceArray>(
      sentences * static_cast<std::size_t>((1 + s.refs) * s.s) * sizeof(std::int64_t));
  const auto tables = shared ? nullptr : std::make_shared<DeviceArray>(sentences * table_bytes);
  return [=](const Operands& o) {
    const HashCall call{.candidates = o.get<const std::int64_t>(kCandidates),
                        .references = o.get<const std::int64_t>(kReferences),
                        .counts = o.get<std::int64_t>(kCounts),
                        .tokens = tokens->template as<std::int64_t>(),
                        .global_table = shared ? nullptr : tables->template as<int>(),
                        .pad = s.pad,
                        .s = static_cast<int>(s.s),
                        .refs = static_cast<int>(s.refs),
                        .orders = s.rule.counted_orders(),
                        .slots = slots};
    launch({.x = static_cast<unsigned>(s.b),
            .threads = kThreads,
            .shared_bytes = shared ? table_bytes : sizeof(int)},
           count_ngrams<kBug>, call);
    launch_scores<kScoreBug>(s, o);
  };
}

}  // namespace
}  // namespace sb::tensor_bleu
