#include "simt/grid.h"

#include <algorithm>
#include <stdexcept>

#include "simt/observer.h"

namespace sb::simt {

Self* running = nullptr;
unsigned runtime_depth = 0;
Observer* observer = nullptr;
unsigned running_slot = 0;

namespace {

constexpr std::size_t kErrorsKept = 16;

std::string text_of(const Extent& e) {
  return "(" + std::to_string(e.x) + "," + std::to_string(e.y) + "," + std::to_string(e.z) + ")";
}

Extent index_in(const Extent& extent, std::uint64_t flat) {
  return {.x = static_cast<unsigned>(flat % extent.x),
          .y = static_cast<unsigned>(flat / extent.x % extent.y),
          .z = static_cast<unsigned>(flat / extent.x / extent.y)};
}

void demand_legal(const LaunchShape& shape) {
  const std::uint64_t threads = shape.block.count();
  if (threads == 0 || threads > 1024 || shape.block.z > 64 || shape.grid.count() == 0 ||
      shape.grid.x > 0x7fffffffu || shape.grid.y > 65535 || shape.grid.z > 65535) {
    throw std::invalid_argument("no GPU takes a grid of " + text_of(shape.grid) + " blocks of " +
                                text_of(shape.block) + " threads");
  }
}

}  // namespace

std::string_view name_of(Order order) {
  constexpr std::array<std::string_view, 4> kNames = {"in_order", "reverse", "random", "skewed"};
  return kNames[static_cast<std::size_t>(order)];
}

void demand_ok(const Report& report) {
  if (report.ok()) return;
  std::string text;
  for (const std::string& error : report.errors) text += (text.empty() ? "" : "; ") + error;
  throw std::runtime_error(text);
}

Schedule& current_schedule() {
  static Schedule schedule{.order = Order::kSkewed};
  return schedule;
}

Grid the_grid;

Report launch(const LaunchShape& shape, const Schedule& schedule,
              const std::function<void()>& body) {
  demand_legal(shape);
  return grid().run(shape, schedule, body);
}

Report Grid::run(const LaunchShape& shape, const Schedule& schedule,
                 const std::function<void()>& body) {
  if (active()) throw std::logic_error("a kernel is running already");
  shape_ = shape;
  schedule_ = schedule;
  report_ = {};
  acquires_ = 0;
  to_start_ = block_order();
  const std::size_t resident = std::clamp<std::size_t>(
      shape.together ? to_start_.size() : schedule.resident, 1, to_start_.size());
  const std::size_t most = resident * shape.block.count();
  stacks_.reserve(most);
  ready_.reset(schedule, most);
  blocks_.assign(resident, {});
  body_ = &body;
  if (observer != nullptr) observer->launch_begins(static_cast<unsigned>(resident));
  for (std::size_t slot = 0; slot < resident; ++slot) {
    blocks_[slot].slot = static_cast<unsigned>(slot);
    blocks_[slot].arena = fresh_arena(static_cast<unsigned>(slot));
  }
  start_waiting_blocks();
  while (Thread* next = ready_.pop()) {
    switch_to(outside_, *next);
    start_waiting_blocks();
  }
  report_deadlock();
  for (Block& block : blocks_) retire(block);
  body_ = nullptr;
  return std::move(report_);
}

// Block indices, the first to run last, as the schedule likes them.
std::vector<std::uint64_t> Grid::block_order() {
  std::vector<std::uint64_t> order(shape_.grid.count());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = order.size() - 1 - i;
  if (schedule_.order == Order::kReverse) std::reverse(order.begin(), order.end());
  if (schedule_.order == Order::kRandom || schedule_.order == Order::kSkewed) {
    ready_.reset(schedule_, 0);
    for (std::size_t i = order.size(); i > 1; --i) {
      std::swap(order[i - 1], order[ready_.random() % i]);
    }
  }
  return order;
}

void Grid::start_waiting_blocks() {
  for (Block& block : blocks_) {
    if (block.alive != 0 || to_start_.empty()) continue;
    retire(block);
    start(block, to_start_.back());
    to_start_.pop_back();
  }
}

void Grid::start(Block& block, std::uint64_t index) {
  const std::size_t count = shape_.block.count();
  block.alive = static_cast<unsigned>(count);
  block.threads.assign(count, {});
  block.warps.assign((count + kWarpSize - 1) / kWarpSize, {});
  fresh_arena(block.slot);
  for (Warp& warp : block.warps) warp.priority = static_cast<std::uint32_t>(random());
  if (observer != nullptr) observer->block_begins(block.slot, index, block.alive);
  for (std::size_t i = 0; i < count; ++i) {
    Thread& t = block.threads[i];
    t.thread = index_in(shape_.block, i);
    t.block = index_in(shape_.grid, index);
    t.block_extent = shape_.block;
    t.grid_extent = shape_.grid;
    t.flat = static_cast<unsigned>(i);
    t.lane = t.flat % kWarpSize;
    t.warp = t.flat / kWarpSize;
    t.home = &block;
    t.team = &block.warps[t.warp];
    t.team->present |= 1u << t.lane;
    t.team->lanes[t.lane] = &t;
    stacks_.prepare(t.fiber, block.slot * count + i, &Grid::enter);
    ready_.push(&t);
  }
}

void Grid::retire(Block& block) {
  for (const auto& [declaration, array] : block.arrays) {
    if (observer != nullptr) observer->shared_removed(block.slot, array);
  }
  block.arrays.clear();
  block.arena_used = block.shared_bytes = 0;
  block.at_barrier.clear();
  block.barrier_site = nullptr;
}

void Grid::enter() {
  arrive_first_time();
  (*grid().body_)();
  grid().exit_thread();
}

void Grid::exit_thread() {
  ++runtime_depth;  // for good: switch_to gives the next fiber its own depth
  Thread& t = current();
  Block& block = *t.home;
  t.team->exited |= 1u << t.lane;
  --block.alive;
  if (block.alive > 0 && block.at_barrier.size() == block.alive) release_barrier(block);
  Thread* next = block.alive == 0 ? nullptr : ready_.pop();
  switch_to(t, next == nullptr ? outside_ : *next, true);
  __builtin_unreachable();
}

void Grid::switch_to(Thread& from, Thread& to, bool for_good) {
  const unsigned depth = runtime_depth;
  runtime_depth = 0;
  running = &to == &outside_ ? nullptr : &to;
  if (running != nullptr) running_slot = to.home->slot;
  switch_fiber(from.fiber, to.fiber, for_good);
  runtime_depth = depth;
}

void Grid::wait(const char* what, const char* site) {
  Thread& t = current();
  t.waits_for = what;
  t.site = site;
  Thread* next = ready_.pop();
  if (next != &t) switch_to(t, next == nullptr ? outside_ : *next);
  t.waits_for = nullptr;
}

void Grid::yield() {
  ready_.push_to_wait_longest(&current());
  wait("its turn", "");
}

void Grid::release_barrier(Block& block) {
  if (block.alive < block.threads.size()) {
    report(std::string("__syncthreads at ") + block.barrier_site +
           " after threads of the block have exited");
  }
  for (Thread* t : block.at_barrier) ready_.push(t);
  block.at_barrier.clear();
  block.barrier_site = nullptr;
  ++report_.barriers;
  if (schedule_.order == Order::kSkewed) {
    for (Warp& warp : block.warps) warp.priority = static_cast<std::uint32_t>(random());
  }
  if (observer != nullptr) observer->block_syncs(block.slot);
}

void Grid::report(const std::string& what) {
  ++report_.error_count;
  for (const std::string& known : report_.errors) {
    if (known.starts_with(what)) return;
  }
  if (report_.errors.size() == kErrorsKept) return;
  const Self* s = running;
  report_.errors.push_back(s == nullptr ? what
                                        : what + " [block " + text_of(s->block) + " thread " +
                                              text_of(s->thread) + "]");
}

void Grid::report_deadlock() {
  std::map<std::string, int> waits;
  for (const Block& block : blocks_) {
    if (block.alive == 0) continue;
    for (const Thread& t : block.threads) {
      if (t.waits_for != nullptr) ++waits[std::string(t.waits_for) + " at " + t.site];
    }
  }
  for (const auto& [what, count] : waits) {
    report("deadlock: " + std::to_string(count) + " threads wait for " + what);
  }
}

}  // namespace sb::simt
