#include "measure/contestants.h"

#include <stdexcept>

#include "machine/nvtx.h"
#include "machine/topology.h"
#include "measure/google_benchmark.h"

namespace sb {
namespace {

class CpuContestant final : public Contestant {
 public:
  CpuContestant(Kernel& kernel, Rotation& rotation) : kernel_(kernel), rotation_(rotation) {}
  double sample_ns(std::int64_t iterations) override {
    return time_calls(kernel_, rotation_, iterations);
  }
  std::string timer() const override {
    const std::string own = kernel_.own_timer();
    return own.empty() ? Contestant::timer() : own;
  }

 private:
  Kernel& kernel_;
  Rotation& rotation_;
};

// Could not be set up: says so at its first turn.
class UnableContestant final : public Contestant {
 public:
  explicit UnableContestant(std::string why) : why_(std::move(why)) {}
  double sample_ns(std::int64_t) override { throw std::runtime_error(why_); }

 private:
  std::string why_;
};

// A profiler sees each sample under the name of its case.
class InRange final : public Contestant {
 public:
  InRange(std::string name, std::unique_ptr<Contestant> contestant)
      : name_(std::move(name)), contestant_(std::move(contestant)) {}
  double sample_ns(std::int64_t iterations) override {
    const NvtxRange range(name_);
    return contestant_->sample_ns(iterations);
  }
  void warmed_up(std::int64_t iterations, double ns_per_call) override {
    contestant_->warmed_up(iterations, ns_per_call);
  }
  std::string timer() const override { return contestant_->timer(); }
  int rejected() const override { return contestant_->rejected(); }

 private:
  std::string name_;
  std::unique_ptr<Contestant> contestant_;
};

}  // namespace

Contestants::Contestants(const std::vector<Entrant>& entrants, OperandSet& master, CacheState cache,
                         std::unique_ptr<Gpu>& gpu) {
  for (const Entrant& entrant : entrants) {
    is_on_gpu_.push_back(entrant.kernel->device_work() != nullptr);
    contestants_.push_back(std::make_unique<InRange>(
        entrant.name, contestant_of(*entrant.kernel, master, cache, gpu)));
    turns_.push_back(contestants_.back().get());
  }
}

std::unique_ptr<Contestant> Contestants::contestant_of(Kernel& kernel, OperandSet& master,
                                                       CacheState cache,
                                                       std::unique_ptr<Gpu>& gpu) {
  if (kernel.device_work() == nullptr) {
    if (!rotation_) {
      rotation_.emplace(master, cache, topology().last_level_bytes(), topology().memory_bytes);
    }
    return std::make_unique<CpuContestant>(kernel, *rotation_);
  }
  try {
    std::string why;
    if (!gpu) gpu = open_gpu(why);
    if (!gpu) return std::make_unique<UnableContestant>(why);
    if (!on_gpu_) on_gpu_.emplace(*gpu, master, cache);
    return std::make_unique<GpuContestant>(*gpu, *kernel.device_work(), *on_gpu_);
  } catch (const std::exception& error) {
    return std::make_unique<UnableContestant>(error.what());
  }
}

void Contestants::begin_round(int round) {
  if (rotation_) rotation_->begin_round(round);
}

bool Contestants::lukewarm(std::size_t i) const {
  return is_on_gpu_[i] ? on_gpu_ && on_gpu_->lukewarm() : rotation_->lukewarm();
}

}  // namespace sb
