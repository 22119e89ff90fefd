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

// `wanted` is what --peaks says: "auto" (the cache, measured quickly if empty), "none", or a file,
// which must be this machine's.
Roofs obtain_roofs(const std::string& wanted, bool quiet);

}  // namespace sb
