#include "measure/rounds.h"

#include <algorithm>
#include <cmath>
#include <exception>

#include "core/device_work.h"
#include "core/variant.h"

namespace sb {
namespace {

constexpr std::int64_t kMostIterations = std::int64_t{1} << 30;

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
    const double ns = timed(samples_.iterations);
    if (samples_.failure.empty()) {
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

}  // namespace

std::vector<Samples> run_rounds(const std::vector<Contestant*>& contestants,
                                const RoundsOptions& options) {
  std::vector<Turn> turns;
  for (Contestant* contestant : contestants) {
    turns.emplace_back(*contestant, turns.size(), options);
  }
  for (Turn& turn : turns) turn.calibrate();

  const auto stopped = [&] { return options.stopped && options.stopped(); };
  for (int round = 0; round < options.rounds && !stopped(); ++round) {
    if (options.on_round) options.on_round(round);
    for (std::size_t i = 0; i < turns.size() && !stopped(); ++i) {
      Turn& turn = turns[round % 2 == 0 ? i : turns.size() - 1 - i];
      if (turn.active()) turn.play();
    }
  }

  std::vector<Samples> all;
  for (Turn& turn : turns) {
    if (turn.active()) turn.stop(stopped() ? "interrupted" : "rounds");
    all.push_back(turn.take());
  }
  return all;
}

}  // namespace sb
