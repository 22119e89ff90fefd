// Where threads meet: barriers, warp collectives, atomics.
#include <cstring>

#include "simt/meeting.h"
#include "simt/observer.h"

namespace sb::simt {
namespace {

constexpr const char* kNames[] = {"__syncwarp", "a shuffle", "__ballot_sync", "mma.sync",
                                  "ldmatrix"};
constexpr std::uint64_t kAtomicsPerYield = 4;

const char* name_of(Together kind) { return kNames[static_cast<int>(kind)]; }

void demand_sound_mask(const Thread& t, std::uint32_t mask, Together kind, const char* site) {
  if (in_mask(mask, t.lane) && (mask & (t.team->exited | ~t.team->present)) == 0) return;
  const std::string where = std::string(name_of(kind)) + " at " + site;
  if (!in_mask(mask, t.lane)) report_error(where + ": the caller is not in its own mask");
  if ((mask & t.team->exited) != 0) report_error(where + " waits for lanes that have exited");
  if ((mask & ~t.team->present) != 0) report_error(where + " names lanes that do not exist");
}

// The meeting that this lane joins: same operation, same mask, not yet joined by it.
Meeting& join(Warp& warp, Together kind, std::uint32_t mask, unsigned lane, const char* site) {
  const int number = static_cast<int>(kind);
  for (Meeting& m : warp.meetings) {
    if (m.kind == number && m.mask == mask && !in_mask(m.arrived, lane)) return m;
  }
  return warp.meetings.emplace_back(
      Meeting{.kind = number, .mask = mask, .arrived = 0, .site = site, .payload = {}});
}

struct ShuffleOperands {
  const void* value;
  void* result;
  unsigned bytes;
  Shuffle kind;
  int argument, width;
};

// CUDA C++ programming guide, warp shuffle functions: out of the segment means the own value.
unsigned source_lane(const ShuffleOperands& q, int lane) {
  const int base = lane & ~(q.width - 1);
  const int place = lane - base;
  switch (q.kind) {
    case Shuffle::kIndex:
      return static_cast<unsigned>(base + (q.argument & (q.width - 1)));
    case Shuffle::kUp:
      return static_cast<unsigned>(place < q.argument ? lane : lane - q.argument);
    case Shuffle::kDown:
      return static_cast<unsigned>(place + q.argument < q.width ? lane + q.argument : lane);
    case Shuffle::kXor:
      return static_cast<unsigned>((lane ^ q.argument) < base + q.width ? lane ^ q.argument : lane);
  }
  return static_cast<unsigned>(lane);
}

}  // namespace

bool meet(Together kind, std::uint32_t mask, void* payload, const char* site, Meeting& complete) {
  Thread& t = grid().current();
  Warp& warp = *t.team;
  demand_sound_mask(t, mask, kind, site);
  Meeting& meeting = join(warp, kind, mask, t.lane, site);
  meeting.payload[t.lane] = payload;
  meeting.arrived |= 1u << t.lane;
  if (meeting.arrived != mask) {
    grid().wait(name_of(kind), site);
    return false;
  }
  complete = meeting;
  warp.meetings.erase(warp.meetings.begin() + (&meeting - warp.meetings.data()));
  ++grid().result().collectives;
  return true;
}

void part(const Meeting& complete) {
  const Thread& t = grid().current();
  for (unsigned lane = 0; lane < 32; ++lane) {
    if (in_mask(complete.mask, lane) && lane != t.lane) grid().make_ready(t.team->lanes[lane]);
  }
  grid().yield();  // the last to arrive has no right to go first
}

void sync_threads(const char* site) {
  const InRuntime in_runtime;
  Block& block = *grid().current().home;
  if (block.barrier_site != nullptr && std::strcmp(block.barrier_site, site) != 0) {
    report_error(std::string("threads of one block meet at different __syncthreads: ") +
                 block.barrier_site + " and " + site);
  }
  block.barrier_site = site;
  block.at_barrier.push_back(&grid().current());
  if (block.at_barrier.size() == block.alive) grid().release_barrier(block);
  grid().wait("__syncthreads", site);
}

void sync_warp(std::uint32_t mask, const char* site) {
  const Thread& t = grid().current();
  together(Together::kSyncWarp, mask & t.team->present, nullptr, site, [&](const Meeting& m) {
    if (observer != nullptr) observer->warp_syncs(t.home->slot, t.warp, m.mask);
  });
}

void shuffle(Shuffle kind, std::uint32_t mask, const void* value, void* result, unsigned bytes,
             int argument, int width, const char* site) {
  ShuffleOperands own{value, result, bytes, kind, argument, width};
  together(Together::kShuffle, mask, &own, site, [&](const Meeting& m) {
    for (unsigned lane = 0; lane < 32; ++lane) {
      if (!in_mask(m.mask, lane)) continue;
      const auto& q = *static_cast<const ShuffleOperands*>(m.payload[lane]);
      const unsigned source = source_lane(q, static_cast<int>(lane));
      if (in_mask(m.mask, source)) {
        std::memcpy(q.result, static_cast<const ShuffleOperands*>(m.payload[source])->value,
                    q.bytes);
      } else {
        report_error(std::string("a shuffle at ") + site + " reads lane " + std::to_string(source) +
                     ", which is not in its mask");
        std::memset(q.result, 0xff, q.bytes);
      }
    }
  });
}

std::uint32_t ballot(std::uint32_t mask, bool predicate, const char* site) {
  struct Vote {
    bool predicate;
    std::uint32_t result;
  } own{predicate, 0};
  together(Together::kBallot, mask, &own, site, [](const Meeting& m) {
    std::uint32_t votes = 0;
    for (unsigned lane = 0; lane < 32; ++lane) {
      if (in_mask(m.mask, lane) && static_cast<Vote*>(m.payload[lane])->predicate) {
        votes |= 1u << lane;
      }
    }
    for (unsigned lane = 0; lane < 32; ++lane) {
      if (in_mask(m.mask, lane)) static_cast<Vote*>(m.payload[lane])->result = votes;
    }
  });
  return own.result;
}

void before_atomic(const volatile void* address, unsigned bytes) {
  const InRuntime in_runtime;
  const Order order = grid().schedule().order;
  const bool shuffled = order == Order::kRandom || order == Order::kSkewed;
  if (shuffled && grid().random() % kAtomicsPerYield == 0) grid().yield();
  if (observer != nullptr) observer->atomic(const_cast<const void*>(address), bytes);
}

void thread_fence() {
  const InRuntime in_runtime;
  if (observer != nullptr) observer->fences();
}

unsigned load_acquire(const unsigned* address, const char* site) {
  const InRuntime in_runtime;
  if (grid().count_acquire() > kMostAcquires) {
    report_error(std::string("livelock: acquires at ") + site +
                 " go on for ever; is the block that releases not resident?");
    end_thread();
  }
  grid().current().team->priority = ~0u;  // kSkewed: who waits for others does not go before them
  grid().yield();
  const unsigned value = *address;
  if (observer != nullptr) {
    observer->atomic(address, sizeof *address);
    observer->acquires(address);
  }
  return value;
}

void store_release(unsigned* address, unsigned value) {
  const InRuntime in_runtime;
  if (observer != nullptr) {
    observer->releases(address);
    observer->atomic(address, sizeof *address);
  }
  *address = value;
}

void report_error(const std::string& what) {
  const InRuntime in_runtime;
  grid().report(what);
}

void end_thread() { grid().exit_thread(); }

}  // namespace sb::simt
