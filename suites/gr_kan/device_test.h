// Cases for the tests of device code.
#pragma once

#include "testing/check_case.h"

namespace sb::gr_kan {

inline sb::testing::Case given(const std::string& op, int rows, int d, int groups,
                               const std::string& numerator = "") {
  std::map<std::string, std::string> params = {
      {"rows", std::to_string(rows)},
      {"d", std::to_string(d)},
      {"groups", std::to_string(groups)},
      {"coefficients", "random"}};  // the same for all groups would hide a wrong group
  if (!numerator.empty()) params["numerator"] = numerator;
  return {op, params};
}

}  // namespace sb::gr_kan
