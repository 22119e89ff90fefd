// Memory that another process can map: the operands of kernels that run elsewhere.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sb {

inline constexpr std::size_t kHugePage = std::size_t{2} << 20;

// One file without a name for the whole program, so that nothing is left behind whoever dies; it is
// sparse, and as large as anybody will ever need. Not for use by several threads at once.
class SharedMemory {
 public:
  static SharedMemory& instance();  // throws std::runtime_error where the system has none to give

  int descriptor() const { return fd_; }  // close-on-exec: hand it to a child on purpose
  std::int64_t bytes() const;             // of the file, most of it a hole

  void* allocate(std::size_t bytes, std::size_t alignment);  // throws std::bad_alloc
  void release(void* data, std::size_t bytes);               // gives the pages back

  std::int64_t offset_of(const void* data) const;  // in the file; -1 if it does not lie there

 private:
  SharedMemory();

  int fd_ = -1;
  std::byte* base_ = nullptr;
  std::size_t end_ = 0;   // of what was handed out; back to 0 when all of it was released
  std::size_t live_ = 0;  // allocations
};

}  // namespace sb
