#include "core/buffer.h"

#include <sys/mman.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "core/shared_memory.h"

namespace sb {
namespace {

constexpr std::size_t kLine = 64;

std::atomic<std::int64_t> live_bytes{0};
std::atomic<std::int64_t> peak_bytes{0};

void count(std::int64_t change) {
  const std::int64_t now = live_bytes.fetch_add(change) + change;
  std::int64_t peak = peak_bytes.load();
  while (now > peak && !peak_bytes.compare_exchange_weak(peak, now)) {
  }
}

}  // namespace

std::int64_t AllocationCounter::live() { return live_bytes.load(); }
std::int64_t AllocationCounter::peak() { return peak_bytes.load(); }
void AllocationCounter::reset_peak() { peak_bytes.store(live_bytes.load()); }

Buffer::Buffer(std::size_t bytes, Memory memory) : bytes_(bytes), memory_(memory) {
  if (bytes == 0) return;
  const std::size_t alignment = bytes >= kHugePage ? kHugePage : kLine;
  data_ = memory == Memory::kShared
              ? SharedMemory::instance().allocate(bytes, alignment)
              : std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  if (data_ == nullptr) throw std::bad_alloc();
  if (alignment == kHugePage) madvise(data_, bytes, MADV_HUGEPAGE);
  count(static_cast<std::int64_t>(bytes));
}

Buffer::~Buffer() {
  if (data_ == nullptr) return;
  if (memory_ == Memory::kShared) {
    SharedMemory::instance().release(data_, bytes_);
  } else {
    std::free(data_);
  }
  count(-static_cast<std::int64_t>(bytes_));
}

}  // namespace sb
