#include <algorithm>

#include "simt/grid.h"

namespace sb::simt {

void ReadyQueue::reset(const Schedule& schedule, std::size_t most) {
  order_ = schedule.order;
  state_ = schedule.seed * 0x9e3779b97f4a7c15u + 1;
  ring_.assign(most + 1, nullptr);
  head_ = count_ = 0;
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
  head_ = (head_ + ring_.size() - 1) % ring_.size();
  ring_[head_] = thread;
  ++count_;
}

std::size_t ReadyQueue::skewed_choice() {
  if (random() % 64 == 0) {  // a change of mind: some warp gets a new priority
    const std::size_t any = random() % count_;
    at(any)->team->priority = static_cast<std::uint32_t>(random());
    return any;
  }
  std::size_t best = 0;
  for (std::size_t i = 1; i < count_; ++i) {
    if (at(i)->team->priority < at(best)->team->priority) best = i;
  }
  return best;
}

Thread* ReadyQueue::pop() {
  if (count_ == 0) return nullptr;
  if (order_ == Order::kReverse) return at(--count_);
  if (order_ == Order::kRandom) std::swap(at(0), at(random() % count_));
  if (order_ == Order::kSkewed) std::swap(at(0), at(skewed_choice()));
  Thread* thread = at(0);
  head_ = (head_ + 1) % ring_.size();
  --count_;
  return thread;
}

}  // namespace sb::simt
