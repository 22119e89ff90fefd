#include "cli/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>

namespace sb {
namespace {

std::string minutes(double seconds) {
  const auto whole = static_cast<long>(std::lround(seconds));
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

std::size_t terminal_width() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

std::string progress_line(int done, int total, double elapsed_s, const std::string& what,
                          std::size_t width) {
  // Cases differ in length; the mean of those done is all that is known about the others.
  const std::string left =
      done > 0 ? ", " + minutes(elapsed_s / done * (total - done)) + " left" : "";
  const int digits = static_cast<int>(std::to_string(total).size());
  std::string line = fmt::format("[{:>{}}/{}] {} elapsed{}  {}", done, digits, total,
                                 minutes(elapsed_s), left, what);
  if (line.size() >= width && width > 0) line.resize(width - 1);
  return line;
}

Progress::Progress(bool wanted) : on_(wanted && isatty(STDERR_FILENO) == 1) {}

void Progress::show(int done, int total, const std::string& what) {
  if (!on_) return;
  const double elapsed =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  fmt::print(stderr, "\r\033[K{}", progress_line(done, total, elapsed, what, terminal_width()));
  std::fflush(stderr);
  shown_ = true;
}

void Progress::clear() {
  if (!shown_) return;
  fmt::print(stderr, "\r\033[K");
  std::fflush(stderr);
  shown_ = false;
}

}  // namespace sb
