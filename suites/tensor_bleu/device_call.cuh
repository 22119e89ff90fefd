// What the CUDA variants of tensor_bleu have in common: what they can do, and the scores.
#pragma once

#include <memory>
#include <string>

#include "backend/device_variant.cuh"
#include "suites/tensor_bleu/bleu.h"
#include "suites/tensor_bleu/device_score.cuh"

namespace sb::tensor_bleu {
namespace {

inline constexpr int kMostReferences = 64;

inline std::string why_not_on_device(const Problem& problem) {
  const Shape s(problem);
  if (s.rule.semantics != Semantics::kNltk) return "built for NLTK's semantics";
  if (s.rule.smoothing > 4) return "built for smoothing methods 0 to 4";
  if (s.refs > kMostReferences) return "built for up to 64 references";
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

template <ScoreBug kBug = ScoreBug::kNone>
void launch_scores(const Shape& s, const Operands& o) {
  const auto b = static_cast<int>(s.b);
  const int columns = s.rule.counted_orders();
  const DeviceRule rule = device_rule(s.rule);
  launch({.x = static_cast<unsigned>((s.b + 127) / 128), .threads = 128}, score_sentences<kBug>,
         o.get<const std::int64_t>(kCounts), o.get<double>(kScores), b, columns, rule);
  launch({.threads = 32}, score_corpus<kBug>, o.get<const std::int64_t>(kCounts),
         o.get<double>(kCorpus), b, columns, rule);
}

}  // namespace
}  // namespace sb::tensor_bleu
