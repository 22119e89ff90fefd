// Memory that a worker shares with its parent: which case is inside a kernel right now.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <stdexcept>

namespace sb {

struct WorkerMark {
  std::atomic<int> current;  // index in the group's variants, kNobody between kernels

  static constexpr int kNobody = -1;

  static WorkerMark* map(int fd) {
    void* memory = mmap(nullptr, sizeof(WorkerMark), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) throw std::runtime_error("worker: no shared memory");
    return static_cast<WorkerMark*>(memory);
  }
};

}  // namespace sb
