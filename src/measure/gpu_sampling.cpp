#include "measure/gpu_sampling.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <exception>

namespace sb {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t kAlignment = 256;  // of a tensor, as cudaMalloc gives
constexpr std::int64_t kMostSets = 4096;
constexpr double kBeyondCache = 1.25;
constexpr double kMemoryShare = 0.4;
constexpr std::int64_t kCallsInGraph = 64;  // or a whole rotation

std::int64_t aligned(std::int64_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

bool rotates(const TensorSpec& spec, CacheState state) {
  return state != CacheState::kColdOutput || spec.role == Role::kOutput;
}

}  // namespace

double block_limit_s(double enqueue_s) { return std::clamp(100 * enqueue_s, 0.5, 10.0); }

GpuCachePlan plan_gpu_cache(CacheState state, std::int64_t set_bytes, std::int64_t l2_bytes,
                            std::int64_t free_bytes) {
  if (state == CacheState::kWarm) return {};
  const auto set = static_cast<double>(std::max<std::int64_t>(set_bytes, 1));
  const double wanted = 1 + std::ceil(kBeyondCache * static_cast<double>(l2_bytes) / set);
  const double affordable = std::floor(kMemoryShare * static_cast<double>(free_bytes) / set);
  const double most = std::min<double>(affordable, kMostSets);
  if (wanted <= most) return {.sets = static_cast<std::int64_t>(wanted)};
  // A flush takes the inputs out as well, which cold_output must not.
  if (state == CacheState::kCold) return {.flush = true};
  return {.sets = std::max<std::int64_t>(1, static_cast<std::int64_t>(most)), .lukewarm = true};
}

GpuOperands::GpuOperands(Gpu& gpu, const OperandSet& master, CacheState state) {
  std::int64_t fixed_bytes = 0, set_bytes = 0;
  for (const TensorSpec& spec : master.specs()) {
    (rotates(spec, state) ? set_bytes : fixed_bytes) += aligned(spec.allocated());
  }
  plan_ = plan_gpu_cache(state, set_bytes, gpu.info().l2_bytes, gpu.free_bytes() - fixed_bytes);
  memory_ = std::make_unique<GpuMemory>(
      gpu, static_cast<std::size_t>(fixed_bytes + plan_.sets * set_bytes));
  auto* fixed = static_cast<std::byte*>(memory_->data());
  auto* rotating = fixed + fixed_bytes;
  for (std::int64_t set = 0; set < plan_.sets; ++set) {
    std::vector<void*> pointers;
    std::byte* shared = fixed;
    for (std::size_t i = 0; i < master.specs().size(); ++i) {
      const TensorSpec& spec = master.specs()[i];
      std::byte*& place = rotates(spec, state) ? rotating : shared;
      if (spec.role != Role::kOutput) {
        gpu.copy(place, master.operands().get<void>(static_cast<int>(i)),
                 static_cast<std::size_t>(spec.allocated()));
      }
      pointers.push_back(place);
      place += aligned(spec.allocated());
    }
    sets_.emplace_back(std::move(pointers));
  }
}

double GpuContestant::sample_ns(std::int64_t iterations) {
  if (!warm_) return take(iterations).ns;  // to be heated up is what warm-up is for
  return take_unthrottled([&] { return take(iterations); }, gpu_.info().clock_mhz, timing_.throttle,
                          rejected_)
      .ns;
}

// A block that expired tells of a full launch queue or of work that waits for the device: the
// sample is taken again with one call behind the block, then without a block, which timer() says
// from then on.
Stamps GpuContestant::take(std::int64_t iterations) {
  try {
    Stamps stamps = take_once(iterations);
    while (stamps.block_expired && !waits_for_host_) {
      graph_.reset();
      waits_for_host_ = timing_.calls_ahead == 1;
      timing_.calls_ahead = 1;
      stamps = take_once(iterations);
    }
    return stamps;
  } catch (...) {
    gpu_.release();  // or the stream would stand still until the limit
    throw;
  }
}

void GpuContestant::warmed_up(std::int64_t iterations, double ns_per_call) {
  warm_ = true;
  if (!operands_.flush() && ns_per_call < timing_.graph_below_ns) record(iterations);
}

void GpuContestant::record(std::int64_t iterations) {
  const auto sets = static_cast<std::int64_t>(operands_.sets().size());
  const std::int64_t rotations =
      std::max<std::int64_t>(1, std::min(iterations, kCallsInGraph) / sets);
  calls_in_graph_ = sets * rotations;
  try {
    graph_ = gpu_.record([this] {
      for (std::int64_t i = 0; i < calls_in_graph_; ++i) enqueue_one();
    });
  } catch (const DeviceLost&) {
    throw;
  } catch (const std::exception&) {
    graph_.reset();  // work that cannot be recorded is timed as it is; timer() says so
  }
}

std::string GpuContestant::timer() const {
  std::string text = "cuda events";
  if (graph_) text += " around graphs of " + std::to_string(calls_in_graph_) + " calls";
  text += waits_for_host_ ? ", not blocked: the work waits for the device while it is enqueued"
                          : " behind a blocking kernel";
  return operands_.flush() ? text + ", L2 flushed before each call" : text;
}

Stamps GpuContestant::take_once(std::int64_t iterations) {
  if (operands_.flush()) return take_flushed(iterations);
  return graph_ ? take_graph(iterations) : take_batch(iterations);
}

void GpuContestant::enqueue_one() {
  work_.enqueue(operands_.sets()[operands_.next], gpu_.stream());
  operands_.next = (operands_.next + 1) % operands_.sets().size();
}

void GpuContestant::block() {
  if (warm_ && !waits_for_host_) gpu_.block(block_limit_s(enqueue_s_));
}

Stamps GpuContestant::take_batch(std::int64_t iterations) {
  const std::int64_t ahead = std::min<std::int64_t>(iterations, timing_.calls_ahead);
  block();
  const auto begin = Clock::now();
  gpu_.start();
  for (std::int64_t i = 0; i < ahead; ++i) enqueue_one();
  if (!warm_) {
    enqueue_s_ = std::max(enqueue_s_, std::chrono::duration<double>(Clock::now() - begin).count());
  }
  gpu_.release();
  for (std::int64_t i = ahead; i < iterations; ++i) enqueue_one();
  gpu_.stop();
  return gpu_.wait();
}

// Whole graphs; the time is brought back to `iterations` calls.
Stamps GpuContestant::take_graph(std::int64_t iterations) {
  const std::int64_t replays = (iterations + calls_in_graph_ - 1) / calls_in_graph_;
  const std::int64_t ahead = std::min<std::int64_t>(replays, timing_.calls_ahead);
  block();
  gpu_.start();
  for (std::int64_t i = 0; i < ahead; ++i) graph_->replay();
  gpu_.release();
  for (std::int64_t i = ahead; i < replays; ++i) graph_->replay();
  gpu_.stop();
  Stamps stamps = gpu_.wait();
  stamps.ns *= static_cast<double>(iterations) / static_cast<double>(replays * calls_in_graph_);
  return stamps;
}

// Calls one by one; the clock is their mean, weighted by time.
Stamps GpuContestant::take_flushed(std::int64_t iterations) {
  Stamps sum;
  double weighted = 0, known_ns = 0;
  for (std::int64_t i = 0; i < iterations && !sum.block_expired; ++i) {
    gpu_.flush_l2();
    block();
    const auto begin = Clock::now();
    gpu_.start();
    enqueue_one();
    gpu_.stop();
    if (!warm_) {
      enqueue_s_ =
          std::max(enqueue_s_, std::chrono::duration<double>(Clock::now() - begin).count());
    }
    gpu_.release();
    const Stamps one = gpu_.wait();
    sum.ns += one.ns;
    sum.block_expired |= one.block_expired;
    if (one.clock_mhz <= 0) continue;
    weighted += one.clock_mhz * one.ns;
    known_ns += one.ns;
  }
  sum.clock_mhz = known_ns > 0 ? weighted / known_ns : 0;
  return sum;
}

}  // namespace sb
