// What the program's exit status says (fixed by the house plan).
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "core/row.h"

namespace sb {

enum ExitCode : int {
  kExitOk = 0,
  kExitCheckFailed = 1,       // a regression, a refuted strict claim
  kExitUsage = 2,             // command line, configuration, files; never benign
  kExitIncorrect = 3,         // a kernel gave wrong results
  kExitCrashed = 4,           // a kernel crashed or timed out; the other rows are kept
  kExitNothingRunnable = 77,  // CTest's and automake's skip
  kExitInterrupted = 130,
};

// Of a run's rows: the gravest status decides.
int exit_code_of(const std::vector<Row>& rows);

// A problem of the user's input or surroundings: main prints it and exits with kExitUsage.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
  explicit UsageError(const std::vector<std::string>& problems);
};

}  // namespace sb
