// The loops behind this machine's ceilings, ready to run: for `peaks`, and again as probes beside
// the rows that a ceiling bounds.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "core/peaks.h"

namespace sb {

class RoofLoop {
 public:
  RoofLoop(Roof roof, double amount) : roof_(std::move(roof)), amount_(amount) {}
  virtual ~RoofLoop() = default;

  const Roof& roof() const { return roof_; }  // which ceiling; its value is not filled in
  double amount() const { return amount_; }   // bytes or FLOP of one repetition, all threads'

  // Of `repetitions` on every thread of the team, whose start is left out. The caller has pinned
  // it.
  double seconds(std::int64_t repetitions);

 private:
  virtual void repeat(int thread, std::int64_t repetitions) = 0;

  Roof roof_;
  double amount_;
};

struct SamplingEffort {
  int samples;
  double sample_s;  // each takes at least that long
};

// Bytes or FLOP a second, a figure per sample, sorted.
std::vector<double> rates_of(RoofLoop& loop, const SamplingEffort& effort);

// Every ceiling for this many threads, one after the other; the operands of a level are allocated
// (and first touched by the threads that use them) when its turn comes.
void for_each_roof_loop(int threads, const std::function<void(RoofLoop&)>& use);

// Null: `roof` is a declared one, another device's, or none that this machine can measure.
std::unique_ptr<RoofLoop> roof_loop(const Roof& roof);

}  // namespace sb
