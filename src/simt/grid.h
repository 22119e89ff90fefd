// The state of a running grid: threads, warps, blocks, and who is ready. Internal to the room.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "simt/device_runtime.h"
#include "simt/fiber.h"

namespace sb::simt {

struct Warp;
struct Block;

// cp.async: 16 bytes on their way to shared memory.
struct Copy {
  void* to;
  const void* from;  // null: zeros
};

struct Thread : Self {
  Fiber fiber;
  Block* home = nullptr;
  Warp* team = nullptr;
  const char* waits_for = nullptr;  // for the report of a deadlock
  const char* site = nullptr;
  std::vector<Copy> uncommitted;
  std::vector<std::vector<Copy>> copies;  // committed groups, oldest first
};

// Lanes of one warp on their way to one collective operation; the last to arrive does the work.
struct Meeting {
  int kind;
  std::uint32_t mask, arrived;
  const char* site;
  std::array<void*, 32> payload;
};

struct Warp {
  std::uint32_t present = 0, exited = 0;
  std::uint32_t priority = 0;  // kSkewed: the lowest runs
  std::array<Thread*, 32> lanes{};
  std::array<Thread*, 32> ready{};  // kSkewed: a ring
  unsigned ready_first = 0, ready_count = 0;
  std::vector<Meeting> meetings;
};

struct Block {
  unsigned slot = 0;
  unsigned alive = 0;
  std::vector<Thread> threads;
  std::vector<Warp> warps;
  std::vector<Thread*> at_barrier;
  const char* barrier_site = nullptr;
  std::byte* arena = nullptr;
  std::size_t arena_used = 0, shared_bytes = 0;
  std::map<const void*, void*> arrays;  // declaration -> place in the arena
};

// Ready threads, and the schedule's choice among them. kSkewed chooses among warps, of which there
// are few: each keeps its own ready threads.
class ReadyQueue {
 public:
  void reset(const Schedule& schedule, std::size_t most);
  void push(Thread* thread);
  void push_to_wait_longest(Thread* thread);
  Thread* pop();  // null if empty
  std::uint64_t random();

 private:
  Thread*& at(std::size_t i) { return ring_[(head_ + i) & (ring_.size() - 1)]; }
  Thread* pop_skewed();

  Order order_ = Order::kInOrder;
  std::uint64_t state_ = 1;
  std::vector<Thread*> ring_;
  std::size_t head_ = 0, count_ = 0;
  std::vector<Warp*> warps_;  // kSkewed: those with ready threads
};

class Grid {
 public:
  Report run(const LaunchShape& shape, const Schedule& schedule, const std::function<void()>& body);

  Thread& current() { return *static_cast<Thread*>(running); }
  void wait(const char* what, const char* site);  // the caller is noted somewhere; others run
  void yield();
  void make_ready(Thread* thread) { ready_.push(thread); }
  void release_barrier(Block& block);
  void report(const std::string& what);
  [[noreturn]] void exit_thread();

  const LaunchShape& shape() const { return shape_; }
  const Schedule& schedule() const { return schedule_; }
  std::uint64_t random() { return ready_.random(); }
  Report& result() { return report_; }
  std::uint64_t count_acquire() { return ++acquires_; }
  bool active() const { return body_ != nullptr; }

 private:
  static void enter();
  void start(Block& block, std::uint64_t index);
  void start_waiting_blocks();
  void retire(Block& block);
  void switch_to(Thread& from, Thread& to, bool for_good = false);
  void report_deadlock();
  std::vector<std::uint64_t> block_order();

  LaunchShape shape_;
  Schedule schedule_;
  const std::function<void()>* body_ = nullptr;
  Report report_;
  ReadyQueue ready_;
  std::uint64_t acquires_ = 0;  // of the launch
  StackPool stacks_;
  Thread outside_;  // the caller of run()
  std::vector<Block> blocks_;
  std::vector<std::uint64_t> to_start_;  // block indices, next one last
};

extern Grid the_grid;
inline Grid& grid() { return the_grid; }

// Shared memory of resident block `slot`, all bytes 0xff.
std::byte* fresh_arena(unsigned slot);

}  // namespace sb::simt
