#include "cli/exit_code.h"

#include <fmt/format.h>

#include <algorithm>

namespace sb {

int exit_code_of(const std::vector<Row>& rows) {
  const auto any = [&](std::string_view word) {
    return std::any_of(rows.begin(), rows.end(),
                       [&](const Row& row) { return row.status == word; });
  };
  if (any(status::kIncorrect)) return kExitIncorrect;
  if (any(status::kCrashed) || any(status::kTimeout)) return kExitCrashed;
  const bool all_skipped = std::all_of(
      rows.begin(), rows.end(), [](const Row& row) { return row.status == status::kSkipped; });
  return all_skipped ? kExitNothingRunnable : kExitOk;
}

UsageError::UsageError(const std::vector<std::string>& problems)
    : UsageError(fmt::format("{}", fmt::join(problems, "\n"))) {}

}  // namespace sb
