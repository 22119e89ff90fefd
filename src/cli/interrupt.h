// Ctrl-C: the first asks the run to stop after the call in hand, the second ends the program.
#pragma once

#include <atomic>

namespace sb {

// Installs handlers for SIGINT and SIGTERM, ignores SIGPIPE (a closed pipe is then a write error),
// and returns the flag that they set.
const std::atomic<bool>& catch_interrupts();

}  // namespace sb
