// tensor_bleu on a GPU by block_hash: what it can do, its workspace, its launches.
#pragma once

#include <bit>
#include <memory>
#include <string>

#include "backend/device_variant.cuh"
#include "suites/tensor_bleu/bleu.h"
#include "suites/tensor_bleu/block_hash.cuh"

namespace sb::tensor_bleu {
namespace {

inline std::string why_not_on_device(const Problem& problem) {
  const Shape s(problem);
  if (s.rule.semantics != Semantics::kNltk) return "built for NLTK's semantics";
  if (s.rule.smoothing > 4) return "built for smoothing methods 0 to 4";
  if (s.refs + 1 > kMostRows) return "built for up to 64 references";
  return "";
}

inline DeviceRule device_rule(const Rule& rule) {
  DeviceRule device{.smoothing = rule.smoothing,
                    .orders = rule.orders(),
                    .reweigh = rule.auto_reweigh && rule.uniform4};
  for (int i = 0; i < rule.orders(); ++i) {
    device.weights[i] = rule.weights[static_cast<std::size_t>(i)];
  }
  return device;
}

inline void launch_scores(const Shape& s, const Operands& o) {
  const auto b = static_cast<int>(s.b);
  const int columns = s.rule.counted_orders();
  const DeviceRule rule = device_rule(s.rule);
  launch({.x = static_cast<unsigned>((s.b + 127) / 128), .threads = 128}, score_sentences,
         o.get<const std::int64_t>(kCounts), o.get<double>(kScores), b, columns, rule);
  launch({.threads = 32}, score_corpus, o.get<const std::int64_t>(kCounts), o.get<double>(kCorpus),
         b, columns, rule);
}

// Up to 2048 tokens the table lies in shared memory.
template <Bug kBug = Bug::kNone>
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
    launch_scores(s, o);
  };
}

}  // namespace
}  // namespace sb::tensor_bleu
