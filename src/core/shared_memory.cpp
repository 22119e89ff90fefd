#include "core/shared_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <new>
#include <stdexcept>
#include <string>

namespace sb {
namespace {

constexpr std::size_t kBytes = std::size_t{1} << 40;
constexpr std::size_t kPage = 4096;
constexpr int kMadviseCollapse = 25;  // MADV_COLLAPSE, which the C library of Debian 12 lacks

[[noreturn]] void fail(const char* what) {
  throw std::runtime_error(std::string("no memory to share with a peer: ") + what + ": " +
                           std::strerror(errno));
}

}  // namespace

SharedMemory& SharedMemory::instance() {
  static SharedMemory memory;
  return memory;
}

SharedMemory::SharedMemory() {
  fd_ = memfd_create("softmax-bench", MFD_CLOEXEC);
  if (fd_ < 0 || ftruncate(fd_, kBytes) != 0) fail("memfd_create");
  void* memory = mmap(nullptr, kBytes + kHugePage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) fail("mmap");
  // Huge pages of the file fit only where file and addresses are aligned alike.
  const auto address = reinterpret_cast<std::uintptr_t>(memory);
  base_ = static_cast<std::byte*>(memory) + (kHugePage - address % kHugePage) % kHugePage;
  if (mmap(base_, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd_, 0) == MAP_FAILED) {
    fail("mmap");
  }
}

std::int64_t SharedMemory::bytes() const { return kBytes; }

void* SharedMemory::allocate(std::size_t bytes, std::size_t alignment) {
  const std::size_t begin = (end_ + alignment - 1) / alignment * alignment;
  if (bytes > kBytes - begin) throw std::bad_alloc();
  // Takes the pages now: a write to a page that is not to be had would be a SIGBUS.
  const std::size_t first = begin / kPage * kPage;
  const auto length = static_cast<off_t>(begin + bytes - first);
  if (fallocate(fd_, 0, static_cast<off_t>(first), length) != 0) throw std::bad_alloc();
  if (alignment >= kHugePage) {
    // Files get huge pages by a setting of the whole machine that is off nearly everywhere; but a
    // range may be collapsed into them (Linux 6.1). Refused: ordinary pages, for everybody alike.
    madvise(base_ + begin, (bytes + kHugePage - 1) / kHugePage * kHugePage, kMadviseCollapse);
  }
  end_ = begin + bytes;
  ++live_;
  return base_ + begin;
}

void SharedMemory::release(void* data, std::size_t bytes) {
  const auto begin = static_cast<std::size_t>(static_cast<std::byte*>(data) - base_);
  const std::size_t first = (begin + kPage - 1) / kPage * kPage;  // a neighbour may hold the rest
  const std::size_t last = (begin + bytes) / kPage * kPage;
  if (last > first) {
    fallocate(fd_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(first),
              static_cast<off_t>(last - first));
  }
  if (--live_ == 0) end_ = 0;
}

std::int64_t SharedMemory::offset_of(const void* data) const {
  const auto* byte = static_cast<const std::byte*>(data);
  return byte >= base_ && byte < base_ + kBytes ? byte - base_ : -1;
}

}  // namespace sb
