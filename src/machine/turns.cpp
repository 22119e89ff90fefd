#include "machine/turns.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <system_error>
#include <thread>

namespace sb {
namespace {

// The lock goes to whoever asks first, so its holder stands back until a waiting process has woken
// up. By then its own OpenMP threads have stopped spinning, too.
constexpr auto kStandBack = std::chrono::milliseconds(5);

void wait_for(int file) {
  while (flock(file, LOCK_EX) != 0) {
    if (errno != EINTR) throw std::system_error(errno, std::generic_category(), "flock");
  }
}

}  // namespace

Turns::Turns(const std::string& file)
    : file_(open(file.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0666)) {
  if (file_ < 0) throw std::system_error(errno, std::generic_category(), file);
  wait_for(file_);
}

Turns::~Turns() { close(file_); }

void Turns::pass() const {
  flock(file_, LOCK_UN);
  std::this_thread::sleep_for(kStandBack);
  wait_for(file_);
}

}  // namespace sb
