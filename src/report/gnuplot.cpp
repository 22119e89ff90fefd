#include "report/gnuplot.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>

extern char** environ;

namespace sb {
namespace {

// A scratch file that goes away with its owner.
class Scratch {
 public:
  Scratch() {
    const char* dir = std::getenv("TMPDIR");
    path_ = fmt::format("{}/softmax-bench-XXXXXX", dir != nullptr ? dir : "/tmp");
    const int file = ::mkstemp(path_.data());
    if (file < 0) {
      throw std::runtime_error(
          fmt::format("{}: no scratch file: {}; set TMPDIR", path_, std::strerror(errno)));
    }
    ::close(file);
  }
  ~Scratch() { ::unlink(path_.c_str()); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  const std::string& path() const { return path_; }
  std::string text() const {
    std::ifstream file(path_, std::ios::binary);
    std::ostringstream content;
    content << file.rdbuf();
    return std::move(content).str();
  }

 private:
  std::string path_;
};

int spawn_and_wait(const std::string& script, const std::string& out, const std::string& err) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, out.c_str(), O_WRONLY | O_TRUNC, 0);
  posix_spawn_file_actions_addopen(&actions, 2, err.c_str(), O_WRONLY | O_TRUNC, 0);
  std::string program = "gnuplot", options = "-d", file = script;  // -d: no settings of the user
  char* arguments[] = {program.data(), options.data(), file.data(), nullptr};
  pid_t child = 0;
  const int error = ::posix_spawnp(&child, "gnuplot", &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error == ENOENT) {
    throw std::runtime_error(
        "gnuplot is not installed, and it draws the picture: `apt-get install gnuplot-nox`, or ask "
        "for --out FILE.txt, which needs none");
  }
  if (error != 0) {
    throw std::runtime_error(fmt::format("gnuplot cannot be started: {}", std::strerror(error)));
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

std::string run_gnuplot(const std::string& script) {
  const Scratch file, out, err;
  std::ofstream(file.path()) << script;
  const int code = spawn_and_wait(file.path(), out.path(), err.path());
  std::string picture = out.text();
  if (code == 127) {
    throw std::runtime_error("gnuplot is not installed: `apt-get install gnuplot-nox`");
  }
  if (code != 0 || picture.empty()) {
    throw std::runtime_error(fmt::format("gnuplot failed (exit {}): {}", code, err.text()));
  }
  return picture;
}

}  // namespace sb
