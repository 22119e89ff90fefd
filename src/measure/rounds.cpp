#include "measure/rounds.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <exception>

#include "core/device_work.h"
#include "core/variant.h"

namespace sb {
namespace {

constexpr std::int64_t kMostIterations = std::int64_t{1} << 30;

double system_now() {
  const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration<double>(since_1970).count();
}

// A contestant with what it has used up so far.
class Turn {
 public:
  Turn(Contestant& contestant, std::size_t index, const RoundsOptions& options)
      : contestant_(contestant), index_(index), options_(options) {}

  bool active() const { return samples_.stop_reason.empty(); }
  void stop(const std::string& reason) { samples_.stop_reason = reason; }
  Samples take() {
    samples_.timer = contestant_.timer();
    samples_.rejected = contestant_.rejected();
    return std::move(samples_);
  }

  // Doubles the calls until they last min_time_s; all of it is warm-up. The last step aims 10 %
  // above the target, since the clock may speed up once more.
  void calibrate() {
    const double target_ns = options_.min_time_s * 1e9;
    std::int64_t iterations = 1;
    double ns = timed(iterations);
    if (active() && ns < target_ns) ns = timed(iterations);  // the first call pays for page faults
    while (active() && ns < target_ns && iterations < kMostIterations) {
      const double factor = std::clamp(1.1 * target_ns / std::max(ns, 1.0), 2.0, 64.0);
      iterations = static_cast<std::int64_t>(std::ceil(static_cast<double>(iterations) * factor));
      ns = timed(iterations);
    }
    samples_.iterations = iterations;
    samples_.warmup_ns = used_ns_;
    if (active()) {
      guarded([&] { contestant_.warmed_up(iterations, ns / static_cast<double>(iterations)); });
    }
  }

  void play() {
    const double began_s = options_.now ? options_.now() : system_now();
    const double ns = timed(samples_.iterations);
    if (samples_.failure.empty()) {
      samples_.began_s.push_back(began_s);
      samples_.ns_per_call.push_back(ns / static_cast<double>(samples_.iterations));
    }
  }

 private:
  double timed(std::int64_t iterations) {
    double ns = 0;
    guarded([&] {
      ns = contestant_.sample_ns(iterations);
      used_ns_ += ns;
      if (used_ns_ > options_.timeout_s * 1e9) stop("timeout");
    });
    return ns;
  }

  template <typename F>
  void guarded(F work) {
    try {
      work();
    } catch (const DeviceLost& error) {
      fail(error.what());
      if (options_.on_device_lost) options_.on_device_lost(index_, error.what());
    } catch (const KernelFailure& error) {
      fail(error.what());
      samples_.failure_status = error.status();
    } catch (const std::exception& error) {
      fail(error.what());
    }
  }
  void fail(const std::string& what) {
    samples_.failure = what;
    stop("failed");
  }

  Contestant& contestant_;
  std::size_t index_;
  const RoundsOptions& options_;
  Samples samples_;
  double used_ns_ = 0;
};

// A heat with the turns of its contestants.
class RunningHeat {
 public:
  explicit RunningHeat(const Heat& heat) : options_(heat.options) {
    for (Contestant* contestant : heat.contestants) {
      turns_.emplace_back(*contestant, turns_.size(), options_);
    }
  }

  int rounds() const { return options_.rounds; }
  bool stopped() const { return options_.stopped && options_.stopped(); }

  void calibrate() {
    if (options_.on_round) options_.on_round(0);
    for (Turn& turn : turns_) turn.calibrate();
  }

  // Plays a round if one of this heat's is due at `step` of `steps`.
  void step(int step, int steps) {
    const auto due = [&](std::int64_t at) { return at * options_.rounds / steps; };
    if (due(step + 1) > due(step) && !stopped()) play(static_cast<int>(due(step)));
  }

  std::vector<Samples> take() {
    std::vector<Samples> all;
    for (Turn& turn : turns_) {
      if (turn.active()) turn.stop(stopped() ? "interrupted" : "rounds");
      all.push_back(turn.take());
    }
    return all;
  }

 private:
  void play(int round) {
    if (options_.on_round) options_.on_round(round);
    for (std::size_t i = 0; i < turns_.size() && !stopped(); ++i) {
      Turn& turn = turns_[round % 2 == 0 ? i : turns_.size() - 1 - i];
      if (turn.active()) turn.play();
    }
  }

  const RoundsOptions& options_;
  std::vector<Turn> turns_;
};

}  // namespace

std::vector<std::vector<Samples>> run_rounds(const std::vector<Heat>& heats,
                                             const std::function<void()>& between) {
  std::vector<RunningHeat> running(heats.begin(), heats.end());
  int steps = 0;
  for (RunningHeat& heat : running) {
    heat.calibrate();
    steps = std::max(steps, heat.rounds());
  }
  for (int step = 0; step < steps; ++step) {
    for (std::size_t i = 0; i < running.size(); ++i) {
      running[step % 2 == 0 ? i : running.size() - 1 - i].step(step, steps);
      if (between) between();
    }
  }
  std::vector<std::vector<Samples>> all;
  for (RunningHeat& heat : running) all.push_back(heat.take());
  return all;
}

}  // namespace sb
