// The ceilings that % of roof refers to: cached, measured when they are missing, or left out.
#pragma once

#include <optional>
#include <string>

#include "core/peaks.h"

namespace sb {

struct Roofs {
  std::optional<Peaks> peaks;
  std::string path;  // where they are kept; empty if there are none

  const Peaks* get() const { return peaks ? &*peaks : nullptr; }
};

// A file of `softmax-bench peaks`, which must be this machine's, or a declared machine (.yaml),
// whose word counts for the one that is here. Throws UsageError or what load_machine throws.
Peaks read_roofs(const std::string& path);

// `wanted` is what --peaks says: "auto" (the cache, measured quickly if empty), "none", or a file.
Roofs obtain_roofs(const std::string& wanted, bool quiet);

}  // namespace sb
