// What the tests of the family share: the hard cases, and which variants to ask what.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <string>
#include <vector>

#include "testing/check_case.h"

namespace sb::attention {

using Given = std::map<std::string, std::string>;

struct Hard {
  Given params;
  std::string fill;  // empty: the default
  int threads = 1;
};

std::vector<Hard> hard_cases(const std::string& op);

// Variants that can run the case here; says which can't, and why.
std::vector<const Variant*> runnable(const testing::Case& c);

std::string described(const testing::Case& c, const Variant& variant, const std::string& fill);

// All but those whose split of the keys follows the number of threads.
bool keeps_bits_across_threads(const Variant& variant);

inline void expect_row(const float* got, const std::array<double, 4>& want) {
  for (std::size_t c = 0; c < 4; ++c) EXPECT_NEAR(got[c], want[c], 1e-6) << "column " << c;
}

inline double sum(const float* values, int count) {
  double total = 0;
  for (int i = 0; i < count; ++i) total += values[i];
  return total;
}

}  // namespace sb::attention
