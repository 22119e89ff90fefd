#include "measure/statistics.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace sb {
namespace {

// P(Bin(n, 1/2) < k), term by term in logs: n reaches thousands, 2^-n does not fit a double.
double binomial_below(std::size_t n, std::size_t k) {
  double sum = 0;
  for (std::size_t i = 0; i < k; ++i) {
    const auto nn = static_cast<double>(n);
    const auto ii = static_cast<double>(i);
    sum += std::exp(std::lgamma(nn + 1) - std::lgamma(ii + 1) - std::lgamma(nn - ii + 1) -
                    nn * std::log(2.0));
  }
  return sum;
}

}  // namespace

double quantile(std::vector<double> samples, double q) {
  std::sort(samples.begin(), samples.end());
  const double position = q * static_cast<double>(samples.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  const std::size_t above = std::min(below + 1, samples.size() - 1);
  return samples[below] +
         (position - static_cast<double>(below)) * (samples[above] - samples[below]);
}

double median(const std::vector<double>& samples) { return quantile(samples, 0.5); }

Interval median_interval(std::vector<double> samples, double confidence) {
  std::sort(samples.begin(), samples.end());
  const std::size_t n = samples.size();
  std::size_t k = 1;
  while (2 * (k + 1) <= n && 1 - 2 * binomial_below(n, k + 1) >= confidence) ++k;
  return {.estimate = quantile(samples, 0.5),
          .lo = samples[k - 1],
          .hi = samples[n - k],
          .coverage = std::max(0.0, 1 - 2 * binomial_below(n, k))};
}

Interval speedup_interval(const std::vector<double>& baseline_ns,
                          const std::vector<double>& contender_ns) {
  std::vector<double> logs;
  for (std::size_t i = 0; i < std::min(baseline_ns.size(), contender_ns.size()); ++i) {
    logs.push_back(std::log(baseline_ns[i] / contender_ns[i]));
  }
  Interval interval = median_interval(logs);
  interval.estimate = std::exp(interval.estimate);
  interval.lo = std::exp(interval.lo);
  interval.hi = std::exp(interval.hi);
  return interval;
}

}  // namespace sb
