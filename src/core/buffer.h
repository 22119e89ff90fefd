// Aligned memory whose bytes are counted: the allocation counter behind `workspace_bytes`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

namespace sb {

// Bytes held by all live Buffers of this process, and the most there ever were since the last
// reset. Kernels take every byte of their workspace from Buffers, so that a memory claim is
// counted and not declared.
struct AllocationCounter {
  static std::int64_t live();
  static std::int64_t peak();
  static void reset_peak();  // peak() = live()
};

enum class Memory {
  kPrivate,
  kShared,  // another process can map it: see core/shared_memory.h
};

// Uninitialised memory, aligned to 64 bytes (a cache line, an AVX-512 register); 2 MiB and larger
// are aligned to 2 MiB and advised to use huge pages, which the kernel may decline.
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::size_t bytes, Memory memory = Memory::kPrivate);  // throws std::bad_alloc
  ~Buffer();
  Buffer(Buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        bytes_(std::exchange(other.bytes_, 0)),
        memory_(other.memory_) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    std::swap(memory_, other.memory_);
    return *this;
  }
  Buffer(const Buffer&) = delete;  // a copy would double the count behind the owner's back
  Buffer& operator=(const Buffer&) = delete;

  void* data() const { return data_; }
  std::size_t size() const { return bytes_; }
  template <typename T>
  T* as() const {
    return static_cast<T*>(data_);
  }

 private:
  void* data_ = nullptr;
  std::size_t bytes_ = 0;
  Memory memory_ = Memory::kPrivate;
};

}  // namespace sb
