// The line on stderr that says how far a run is; silent when stderr is no terminal.
#pragma once

#include <chrono>
#include <string>

namespace sb {

class Progress {
 public:
  explicit Progress(bool wanted);
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void show(int done, int total, const std::string& what);
  void clear();  // before anything else is written to the terminal

 private:
  bool on_;
  bool shown_ = false;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// "[ 12/40] 0:31 elapsed, 1:12 left  what", cut to `width`.
std::string progress_line(int done, int total, double elapsed_s, const std::string& what,
                          std::size_t width);

}  // namespace sb
