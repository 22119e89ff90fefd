// Where the heads of an operand lie, for device code.
#pragma once

#include <cstdint>

namespace sb::attention {
namespace {

// Element offsets. Rows of d elements lie `row` apart in the head at batch * b + head * h.
struct HeadLayout {
  std::int64_t b, h, row;
};

}  // namespace
}  // namespace sb::attention
