// Cases for the tests of device code.
#pragma once

#include "testing/check_case.h"

namespace sb::softmax {

inline sb::testing::Case given(std::int64_t rows, std::int64_t cols, std::int64_t stride = 0,
                               const std::string& fill = "", const std::string& op = "softmax",
                               Dtype dtype = Dtype::kF32) {
  return {op,
          {{"rows", std::to_string(rows)},
           {"cols", std::to_string(cols)},
           {"stride", std::to_string(stride)}},
          fill,
          1,
          dtype};
}

}  // namespace sb::softmax
