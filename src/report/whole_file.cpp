#include "report/whole_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <stdexcept>

namespace sb {
namespace {

[[noreturn]] void fail(const std::string& path, int error) {
  throw std::runtime_error(fmt::format("{}: cannot be written: {}", path, std::strerror(error)));
}

bool write_all(int file, const std::string& content) {
  std::size_t done = 0;
  while (done < content.size()) {
    const ssize_t n = ::write(file, content.data() + done, content.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    done += static_cast<std::size_t>(n);
  }
  return ::fsync(file) == 0 || errno == EINVAL;  // EINVAL: a file system that has no fsync
}

// What is no ordinary file (/dev/stdout, a pipe) cannot be renamed over.
bool is_special(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode);
}

std::string part_of(const std::string& path) { return fmt::format("{}.part-{}", path, ::getpid()); }

}  // namespace

void check_writable(const std::string& path) {
  if (is_special(path)) return;
  const std::string part = part_of(path);
  const int file = ::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file < 0) fail(path, errno);
  ::close(file);
  ::unlink(part.c_str());
}

void write_whole_file(const std::string& path, const std::string& content) {
  const bool special = is_special(path);
  const std::string part = special ? path : part_of(path);
  const int file = ::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file < 0) fail(path, errno);
  const bool written = write_all(file, content);
  const int error = errno;
  ::close(file);
  if (written && (special || std::rename(part.c_str(), path.c_str()) == 0)) return;
  const int why = written ? errno : error;
  if (!special) ::unlink(part.c_str());
  fail(path, why);
}

}  // namespace sb
