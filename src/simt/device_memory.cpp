// Shared and global memory of the machine that is not there.
#include <sys/mman.h>
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "simt/grid.h"
#include "simt/observer.h"

namespace sb::simt {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kRedZone = 128;  // between shared arrays: an index too far meets nothing
constexpr std::size_t kAlign = 16;

std::size_t round_up(std::size_t n, std::size_t unit) { return (n + unit - 1) / unit * unit; }

std::byte* map_pages(std::size_t bytes) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
#if defined(__SANITIZE_ADDRESS__)
  __asan_unpoison_memory_region(memory, bytes);  // a fiber's stack may have lain there
#endif
  return static_cast<std::byte*>(memory);
}

struct Mapping {
  std::byte* base;
  std::size_t bytes;   // of the pages
  std::size_t usable;  // as asked for
};

struct Arena {
  std::byte* base;
  std::size_t used;  // by arrays, since it was fresh
};

std::vector<Arena>& arenas() {
  static std::vector<Arena> all;  // as long as the program: a kernel may run at any time
  return all;
}

std::map<void*, Mapping>& mappings() {
  static std::map<void*, Mapping> all;
  return all;
}

}  // namespace

std::byte* fresh_arena(unsigned slot) {
  while (arenas().size() <= slot) arenas().push_back({map_pages(kSharedWindow), kSharedWindow});
  Arena& arena = arenas()[slot];
  // A page more: a stray write may lie behind the last array.
  std::memset(arena.base, 0xff, std::min(arena.used + kPage, kSharedWindow));
  arena.used = 0;
  return arena.base;
}

void* shared_array(const void* declaration, std::size_t bytes) {
  const InRuntime in_runtime;
  Block& block = *grid().current().home;
  const auto known = block.arrays.find(declaration);
  if (known != block.arrays.end()) return known->second;
  block.shared_bytes += bytes;
  if (block.shared_bytes > kSharedLimit) {
    report_error("shared memory: " + std::to_string(block.shared_bytes) + " bytes, more than " +
                 std::to_string(kSharedLimit));
    end_thread();
  }
  std::byte* array = block.arena + block.arena_used;
  block.arena_used += round_up(bytes, kAlign) + kRedZone;
  if (block.arena_used > kSharedWindow) {
    report_error("shared memory: too many arrays");
    end_thread();
  }
  arenas()[block.slot].used = block.arena_used;
  block.arrays[declaration] = array;
  Report& report = grid().result();
  report.shared_bytes = std::max(report.shared_bytes, block.shared_bytes);
  if (observer != nullptr) observer->shared_added(block.slot, array, bytes);
  return array;
}

bool memory_is_checked() { return observer != nullptr; }
UncheckedMemory::UncheckedMemory() : before_(std::exchange(observer, nullptr)) {}
UncheckedMemory::~UncheckedMemory() { observer = before_; }

void* shared_array_of_launch() {
  static const char declaration = 0;
  return shared_array(&declaration, grid().shape().shared_bytes);
}

std::byte* shared_window() { return grid().current().home->arena; }

void announce_memory(Observer& to) {
  for (const auto& [memory, mapping] : mappings()) to.global_added(memory, mapping.usable);
}

// The end of the memory lies at an inaccessible page; up to 15 bytes of alignment are between.
void* device_allocate(std::size_t bytes) {
  const std::size_t body = round_up(std::max<std::size_t>(bytes, 1), kPage);
  std::byte* base = map_pages(body + 2 * kPage);
  mprotect(base, kPage, PROT_NONE);
  mprotect(base + kPage + body, kPage, PROT_NONE);
  std::memset(base + kPage, 0xff, body);
  std::byte* memory = base + kPage + body - round_up(bytes, kAlign);
  mappings()[memory] = {base, body + 2 * kPage, bytes};
  if (observer != nullptr) observer->global_added(memory, bytes);
  return memory;
}

bool device_free(void* memory) {
  const auto known = mappings().find(memory);
  if (known == mappings().end()) return false;
  if (observer != nullptr) observer->global_removed(memory);
  munmap(known->second.base, known->second.bytes);
  mappings().erase(known);
  return true;
}

}  // namespace sb::simt
