// Which slowdown matters, on which row: what `compare` and `gate` judge by.
#pragma once

#include <string>
#include <vector>

namespace sb {

struct ThresholdRule {
  std::string pattern;      // glob over the case name
  double threshold = 0.03;  // 0.03: three per cent
};

struct IgnoreRule {
  std::string pattern;
  std::string reason;
};

struct GatePolicy {
  double threshold = 0.03;
  std::vector<ThresholdRule> thresholds;  // the last rule that matches holds
  std::vector<IgnoreRule> ignore;
  int launch_pairs = 10;
  int rerun_pairs = 20;  // for rows that were SLOWER the first time
  int rounds = 8;        // ABBA rounds inside a launch pair
};

}  // namespace sb
