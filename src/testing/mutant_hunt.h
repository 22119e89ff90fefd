// Can verification fail? Every planted bug of an operation has to be refused.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "testing/check_case.h"

namespace sb::testing {

// Shows the mutants of one operation to verification, case by case.
class MutantHunt {
 public:
  void show(Case& c) {
    c.store_expected();
    EXPECT_EQ(c.fault(), "") << "the reference must pass itself: " << c.problem().params.text();
    for (const Mutant& mutant : c.op().mutants()) {
      c.store_expected();
      mutant.corrupt(c.problem(), c.operands());
      caught_[mutant.name] += c.fault().empty() ? 0 : 1;
    }
  }

  // A mutant need not change anything on every case (two rows swapped of one), but on some.
  void expect_no_survivor() const {
    EXPECT_FALSE(caught_.empty());
    for (const auto& [name, times] : caught_) EXPECT_GT(times, 0) << name;
  }

 private:
  std::map<std::string, int> caught_;
};

}  // namespace sb::testing
