#include <algorithm>
#include <bit>

#include "simt/grid.h"

namespace sb::simt {

void ReadyQueue::reset(const Schedule& schedule, std::size_t most) {
  order_ = schedule.order;
  state_ = schedule.seed * 0x9e3779b97f4a7c15u + 1;
  ring_.assign(std::bit_ceil(most + 1), nullptr);  // at() masks instead of dividing
  head_ = count_ = 0;
  warps_.clear();
}

void ReadyQueue::push(Thread* thread) {
  if (order_ != Order::kSkewed) {
    at(count_++) = thread;
    return;
  }
  Warp& warp = *thread->team;
  if (warp.ready_count == 0) warps_.push_back(&warp);
  warp.ready[(warp.ready_first + warp.ready_count++) % warp.ready.size()] = thread;
}

// splitmix64
std::uint64_t ReadyQueue::random() {
  std::uint64_t z = state_ += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

// In reverse order the newest runs first: one that gives way must become the oldest.
void ReadyQueue::push_to_wait_longest(Thread* thread) {
  if (order_ != Order::kReverse) return push(thread);
  --head_;
  at(0) = thread;
  ++count_;
}

Thread* ReadyQueue::pop_skewed() {
  if (warps_.empty()) return nullptr;
  auto chosen = warps_.begin();
  if (random() % 64 == 0) {  // a change of mind: some warp gets a new priority
    chosen += static_cast<std::ptrdiff_t>(random() % warps_.size());
    (*chosen)->priority = static_cast<std::uint32_t>(random());
  } else {
    chosen = std::min_element(warps_.begin(), warps_.end(), [](const Warp* a, const Warp* b) {
      return a->priority < b->priority;
    });
  }
  Warp& warp = **chosen;
  Thread* thread = warp.ready[warp.ready_first];
  warp.ready_first = (warp.ready_first + 1) % 32;
  if (--warp.ready_count == 0) {
    *chosen = warps_.back();
    warps_.pop_back();
  }
  return thread;
}

Thread* ReadyQueue::pop() {
  if (order_ == Order::kSkewed) return pop_skewed();
  if (count_ == 0) return nullptr;
  if (order_ == Order::kReverse) return at(--count_);
  if (order_ == Order::kRandom) std::swap(at(0), at(random() % count_));
  Thread* thread = at(0);
  ++head_;
  --count_;
  return thread;
}

}  // namespace sb::simt
