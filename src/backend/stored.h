// Storage of 16-bit elements; arithmetic on them happens in float.
#pragma once

#include <cstdint>

#include "core/dtype.h"

namespace sb {

struct Bf16 {
  std::uint16_t bits;
};
struct F16 {
  std::uint16_t bits;
};

}  // namespace sb
