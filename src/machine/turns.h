// Turns of several runs on one machine: each measures while the others wait.
#pragma once

#include <string>

namespace sb {

// Holds an exclusive lock on a file (flock), made if absent, from construction to destruction;
// whoever names the same file waits. What the holder does, verification included, so disturbs
// nobody's samples.
class Turns {
 public:
  explicit Turns(
      const std::string& file);  // waits; throws std::system_error if it cannot be opened
  ~Turns();
  Turns(const Turns&) = delete;
  Turns& operator=(const Turns&) = delete;

  // Lets one that waits have its turn; comes back at once if nobody does.
  void pass() const;

 private:
  int file_ = -1;
};

}  // namespace sb
