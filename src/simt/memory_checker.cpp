#include "simt/memory_checker.h"

#include <algorithm>
#include <iterator>
#include <string>

#include "simt/grid.h"

namespace sb::simt {
namespace {

constexpr std::uintptr_t kNearby = 4096;
constexpr const char *kShared = "shared memory: ", *kGlobal = "global memory: ";

std::uintptr_t number(const void* address) { return reinterpret_cast<std::uintptr_t>(address); }

}  // namespace

const std::string& MemoryChecker::text_of(std::uintptr_t place) const {
  static const std::string kWords[] = {"an atomic", "ldmatrix", "cp.async"};
  if (place < std::size(kWords)) return kWords[place];
  std::string& text = texts_[place];
  if (text.empty()) text = describe_(place);
  return text;
}

void MemoryChecker::launch_begins(unsigned slots) {
  blocks_.assign(slots, {});
  released_.clear();
  faults_.clear();
  for (auto& [base, region] : global_) region.cells.clear();  // launches follow each other
}

void MemoryChecker::block_begins(unsigned slot, std::uint64_t block, unsigned threads) {
  blocks_[slot] = {.block = static_cast<std::uint32_t>(block),
                   .epoch = 1,
                   .known = {},
                   .of_threads = {},
                   .lanes = {}};
  blocks_[slot].of_threads.resize(threads);
  blocks_[slot].lanes.assign(threads, std::vector<std::uint32_t>(kWarpSize, 0));
  for (unsigned t = 0; t < threads; ++t) blocks_[slot].lanes[t][t % kWarpSize] = 1;
}

void MemoryChecker::block_syncs(unsigned slot) {
  BlockClock& clock = blocks_[slot];
  ++clock.epoch;
  for (Known& own : clock.of_threads) join(clock.known, std::exchange(own, {}));
}

void MemoryChecker::warp_syncs(unsigned slot, unsigned warp, std::uint32_t mask) {
  auto& lanes = blocks_[slot].lanes;
  std::vector<std::uint32_t> known(kWarpSize, 0);
  const auto for_each_of_mask = [&](auto&& visit) {
    for (unsigned lane = 0; lane < kWarpSize; ++lane) {
      if ((mask >> lane & 1u) != 0) visit(lane, lanes[warp * kWarpSize + lane]);
    }
  };
  for_each_of_mask([&](unsigned, std::vector<std::uint32_t>& clocks) {
    for (unsigned k = 0; k < kWarpSize; ++k) known[k] = std::max(known[k], clocks[k]);
  });
  for_each_of_mask([&](unsigned lane, std::vector<std::uint32_t>& clocks) {
    clocks = known;
    ++clocks[lane];
  });
}

void MemoryChecker::join(Known& to, const Known& from) {
  for (const auto& [who, epoch] : from) to[who] = std::max(to[who], epoch);
}

void MemoryChecker::releases(const void* address) {
  const BlockClock& clock = blocks_[running_slot];
  Known& released = released_[address];  // of this store only: it replaces what was released before
  released = clock.known;
  join(released, clock.of_threads[self().flat]);
  released[{clock.block, self().flat}] = clock.epoch;
  released[{clock.block, kAll}] = clock.epoch;
}

void MemoryChecker::acquires(const void* address) {
  join(blocks_[running_slot].of_threads[self().flat], released_[address]);
}

void MemoryChecker::atomic(const void* address, unsigned bytes) {
  look(address, bytes, true, true, 0);
}

void MemoryChecker::shared_added(unsigned, const void* base, std::size_t bytes) {
  shared_[number(base)] = {.bytes = bytes};
}
void MemoryChecker::shared_removed(unsigned, const void* base) { shared_.erase(number(base)); }
void MemoryChecker::global_added(const void* base, std::size_t bytes) {
  global_[number(base)] = {.bytes = bytes};
}
void MemoryChecker::global_removed(const void* base) { global_.erase(number(base)); }

void MemoryChecker::access(const void* address, unsigned bytes, bool write, std::uintptr_t place) {
  look(address, bytes, write, false, place);
}

void MemoryChecker::look(const void* address, unsigned bytes, bool write, bool atomic,
                         std::uintptr_t place) {
  if (on_stack_of(grid().current().fiber, address)) return;
  const std::uintptr_t at = number(address);
  for (Regions* regions : {&shared_, &global_}) {
    auto* const entry = holding(*regions, at, bytes);
    if (entry == nullptr) continue;
    auto& [base, region] = *entry;
    const std::size_t offset = at - base;
    if (region.cells.empty() || offset % region.width != 0 || bytes % region.width != 0) {
      region.narrow_cells_to(offset, bytes);
    }
    const Touch touched = now(atomic, place);
    for (std::size_t i = offset / region.width; i <= (offset + bytes - 1) / region.width; ++i) {
      touch(region.cells[i], touched, write, regions == &shared_);
    }
    return;
  }
  if (report_stray(at, write, place)) end_thread();
}

void MemoryChecker::Region::narrow_cells_to(std::size_t offset, std::size_t size) {
  if (cells.empty()) cells.resize((bytes + width - 1) / width);
  while (width > kNarrowest && (offset % width != 0 || size % width != 0)) {
    std::vector<Cell> halves(2 * cells.size());
    for (std::size_t i = 0; i < halves.size(); ++i) halves[i] = cells[i / 2];
    cells = std::move(halves);
    width /= 2;
  }
}

// Does not end the thread: nothing that owns memory may live where that happens.
bool MemoryChecker::report_stray(std::uintptr_t at, bool write, std::uintptr_t place) const {
  const char* const memory = nearby(shared_, at)   ? kShared
                             : nearby(global_, at) ? kGlobal
                                                   : nullptr;
  if (memory == nullptr && !write && host_ == HostMemory::kReadable) {
    return false;  // constants, indices, the operands that a launch captured
  }
  const std::string how = std::string(write ? "a write" : "a read") + " at " + text_of(place);
  report_error(memory == nullptr ? "host memory: " + how : memory + how + " is out of bounds");
  return true;
}

MemoryChecker::Regions::value_type* MemoryChecker::holding(Regions& regions, std::uintptr_t at,
                                                           unsigned bytes) {
  const auto after = regions.upper_bound(at);
  if (after == regions.begin()) return nullptr;
  auto& region = *std::prev(after);
  return at + bytes <= region.first + region.second.bytes ? &region : nullptr;
}

bool MemoryChecker::nearby(const Regions& regions, std::uintptr_t at) {
  const auto after = regions.lower_bound(at);
  if (after != regions.end() && after->first - at <= kNearby) return true;
  if (after == regions.begin()) return false;
  const auto& [base, region] = *std::prev(after);
  return at - (base + region.bytes) <= kNearby;
}

MemoryChecker::Touch MemoryChecker::now(bool atomic, std::uintptr_t place) const {
  const BlockClock& clock = blocks_[running_slot];
  return {.place = place,
          .block = clock.block,
          .epoch = clock.epoch,
          .clock = clock.lanes[self().flat][self().lane],
          .thread = static_cast<std::uint16_t>(self().flat),
          .atomic = atomic,
          .happened = true};
}

bool MemoryChecker::holds(const Known& known, const Touch& earlier) {
  const auto thread = known.find({earlier.block, earlier.thread});
  if (thread != known.end() && earlier.epoch <= thread->second) return true;
  const auto all = known.find({earlier.block, kAll});
  return all != known.end() && earlier.epoch < all->second;
}

bool MemoryChecker::ordered(const Touch& earlier) const {
  const BlockClock& clock = blocks_[running_slot];
  if (earlier.block != clock.block) {
    return holds(clock.known, earlier) || holds(clock.of_threads[self().flat], earlier);
  }
  if (earlier.thread == self().flat || earlier.epoch < clock.epoch) return true;
  return earlier.thread / kWarpSize == self().warp &&
         clock.lanes[self().flat][earlier.thread % kWarpSize] >= earlier.clock;
}

void MemoryChecker::demand_order(const Touch& earlier, const Touch& now, bool shared,
                                 const char* kind) const {
  if (!earlier.happened || (earlier.atomic && now.atomic) || ordered(earlier)) return;
  const bool one_block = earlier.block == now.block;
  if (!faults_.insert({earlier.place, now.place, kind, one_block}).second) return;
  report_error(std::string(shared ? kShared : kGlobal) + "race, " + kind +
               (one_block ? " in one block: " : " in different blocks: ") + text_of(earlier.place) +
               " then " + text_of(now.place));
}

void MemoryChecker::touch(Cell& cell, const Touch& now, bool write, bool shared) {
  demand_order(cell.write, now, shared, write ? "write after write" : "read after write");
  if (write) {
    demand_order(cell.reads[0], now, shared, "write after read");
    demand_order(cell.reads[1], now, shared, "write after read");
    cell.write = now;
    return;
  }
  if (shared && !cell.write.happened && faults_.insert({0, now.place, kShared, true}).second) {
    report_error(std::string(kShared) + "read at " + text_of(now.place) + " of what nobody wrote");
  }
  if (cell.reads[0].happened && cell.reads[0].thread / kWarpSize != now.thread / kWarpSize) {
    cell.reads[1] = cell.reads[0];
  }
  cell.reads[0] = now;
}

}  // namespace sb::simt
