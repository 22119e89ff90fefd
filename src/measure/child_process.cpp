#include "measure/child_process.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <stdexcept>
#include <thread>

extern char** environ;

namespace sb {
namespace {

constexpr std::size_t kLongestLine = 64 << 20;
constexpr int kWriteTimeoutS = 10;
// Descriptors pass through numbers from here on, because a source may be a target of another.
constexpr int kPassage = 100;

[[noreturn]] void fail(const std::string& program, int error) {
  throw std::runtime_error(fmt::format("{}: cannot be started: {}", program, std::strerror(error)));
}

std::vector<std::string> environment_with(const std::map<std::string, std::string>& more) {
  std::vector<std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (!more.contains(text.substr(0, text.find('=')))) variables.push_back(text);
  }
  for (const auto& [name, value] : more) variables.push_back(name + "=" + value);
  return variables;
}

// As execve wants them: with a null at the end.
std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

ChildProcess::ChildProcess(const std::vector<std::string>& argv,
                           const std::vector<Inherited>& inherited, const Options& options) {
  // A socket, because only sockets can be written to without a SIGPIPE and with a time limit.
  int input[2], output[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, input) != 0) fail(argv[0], errno);
  if (pipe2(output, O_CLOEXEC) != 0) {
    close(input[0]);
    close(input[1]);
    fail(argv[0], errno);
  }
  requests_ = input[0];
  replies_ = output[0];
  const timeval limit{.tv_sec = kWriteTimeoutS, .tv_usec = 0};
  setsockopt(requests_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  spawn(argv, inherited, options, input[1], output[1]);
}

void ChildProcess::spawn(const std::vector<std::string>& argv,
                         const std::vector<Inherited>& inherited, const Options& options,
                         int stdin_end, int replies_end) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, stdin_end, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
  std::vector<Inherited> all = inherited;
  all.push_back({replies_end, options.replies});
  for (const Inherited& fd : all) {
    posix_spawn_file_actions_adddup2(&files, fd.here, kPassage + fd.there);
  }
  for (const Inherited& fd : all) {
    posix_spawn_file_actions_adddup2(&files, kPassage + fd.there, fd.there);
    posix_spawn_file_actions_addclose(&files, kPassage + fd.there);
  }
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t defaults;  // an ignored SIGPIPE would be inherited
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
  std::vector<std::string> words = argv;
  std::vector<std::string> variables = environment_with(options.environment);
  const std::vector<char*> arguments = pointers_to(words);
  const int error = posix_spawnp(&pid_, arguments[0], &files, &attributes, arguments.data(),
                                 pointers_to(variables).data());
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  close(stdin_end);
  close(replies_end);
  if (error == 0) return;
  close(requests_);
  close(replies_);
  fail(argv[0], error);
}

ChildProcess::~ChildProcess() {
  if (!ended_) {
    signal_group(SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  close_input();
  close(replies_);
}

bool ChildProcess::write_line(const std::string& line) {
  const std::string text = line + "\n";
  for (std::size_t written = 0; written < text.size();) {
    const ssize_t n = send(requests_, text.data() + written, text.size() - written, MSG_NOSIGNAL);
    if (n < 0 && errno != EINTR) return false;
    if (n > 0) written += static_cast<std::size_t>(n);
  }
  return true;
}

void ChildProcess::signal_group(int signal) const {
  if (!ended_) kill(-pid_, signal);
}

void ChildProcess::close_input() {
  if (requests_ >= 0) close(requests_);
  requests_ = -1;
}

ChildProcess::Heard ChildProcess::read_line(std::string& line, int wait_ms) {
  const auto take = [&] {
    const std::size_t end = buffer_.find('\n', searched_);
    searched_ = end == std::string::npos ? buffer_.size() : 0;
    if (end == std::string::npos) return false;
    line = buffer_.substr(0, end);
    buffer_.erase(0, end + 1);
    return true;
  };
  if (take()) return Heard::kLine;
  pollfd waiting{.fd = replies_, .events = POLLIN, .revents = 0};
  if (poll(&waiting, 1, wait_ms) <= 0) return Heard::kNothing;
  char bytes[1 << 16];
  const ssize_t n = read(replies_, bytes, sizeof bytes);
  if (n < 0) return errno == EINTR ? Heard::kNothing : Heard::kEnd;
  if (n == 0) return Heard::kEnd;
  buffer_.append(bytes, static_cast<std::size_t>(n));
  if (take()) return Heard::kLine;
  if (buffer_.size() > kLongestLine) throw std::runtime_error("replies without an end of line");
  return Heard::kNothing;
}

std::string ChildProcess::wait_for_end(int seconds) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  while (!ended_ && std::chrono::steady_clock::now() < deadline) {
    ended_ = waitpid(pid_, &status_, WNOHANG) == pid_;
    if (!ended_) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  if (!ended_) {
    signal_group(SIGKILL);
    waitpid(pid_, &status_, 0);
    ended_ = true;
    return "closed its replies but went on";
  }
  if (WIFSIGNALED(status_)) {
    return fmt::format("signal {} ({})", WTERMSIG(status_), strsignal(WTERMSIG(status_)));
  }
  return fmt::format("exit status {}", WEXITSTATUS(status_));
}

}  // namespace sb
