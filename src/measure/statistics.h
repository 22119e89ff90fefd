// Order statistics of timing samples. Pure; nothing is ever trimmed.
#pragma once

#include <vector>

namespace sb {

// Quantile of the sorted sample with linear interpolation between order statistics; `samples` is
// not empty, 0 <= q <= 1.
double quantile(std::vector<double> samples, double q);
double median(const std::vector<double>& samples);

struct Interval {
  double estimate = 0;  // the median
  double lo = 0;
  double hi = 0;
  double coverage = 0;  // what the interval really covers: discrete, and low for few samples
};

// Exact sign-test interval of the median: [x(k), x(n+1-k)] with the largest k whose coverage
// 1 - 2 P(Bin(n, 1/2) < k) is still at least `confidence`. It assumes independent samples and
// nothing about their distribution. With fewer than 6 samples even [min, max] falls short of 95 %;
// `coverage` tells.
Interval median_interval(std::vector<double> samples, double confidence = 0.95);

// How many independent samples tell as much of the median as these, given in the order in which
// they were taken: n (1 - r) / (1 + r), r the correlation of neighbours' sides of the median (0 if
// they rather alternate), at least 1. Samples of one mood of the machine repeat each other: with a
// trend fifteen are worth one.
double independent_samples(const std::vector<double>& series);

// median_interval for samples in the order in which they were taken: as wide in quantiles as that
// of their independent_samples. Without correlation the exact sign-test interval.
Interval series_interval(const std::vector<double>& series, double confidence = 0.95);

// Speed-up of `contender` over `baseline` from paired rounds: exp of the series_interval of the
// per-round log ratios. Both have the same length, rounds in order.
Interval speedup_interval(const std::vector<double>& baseline_ns,
                          const std::vector<double>& contender_ns);

}  // namespace sb
