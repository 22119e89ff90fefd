#include "measure/statistics.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

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

// The largest k whose interval [x(k), x(n+1-k)] still covers `confidence`; 1 if none does.
std::size_t rank_of(std::size_t n, double confidence) {
  std::size_t k = 1;
  while (2 * (k + 1) <= n && 1 - 2 * binomial_below(n, k + 1) >= confidence) ++k;
  return k;
}

double coverage_of(std::size_t n, std::size_t k) {
  return std::max(0.0, 1 - 2 * binomial_below(n, k));
}

Interval interval_at(std::vector<double> samples, std::size_t k, double coverage) {
  std::sort(samples.begin(), samples.end());
  return {.estimate = quantile(samples, 0.5),
          .lo = samples[k - 1],
          .hi = samples[samples.size() - k],
          .coverage = coverage};
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
  const std::size_t n = samples.size();
  const std::size_t k = rank_of(n, confidence);
  return interval_at(std::move(samples), k, coverage_of(n, k));
}

double independent_samples(const std::vector<double>& series) {
  const double middle = median(series);
  const auto side = [&](double x) { return x > middle ? 1 : x < middle ? -1 : 0; };
  double agreement = 0;
  for (std::size_t i = 1; i < series.size(); ++i)
    agreement += side(series[i - 1]) * side(series[i]);
  const auto n = static_cast<double>(series.size());
  const double r = n > 1 ? std::max(0.0, agreement / (n - 1)) : 0;
  return std::max(1.0, n * (1 - r) / (1 + r));
}

Interval series_interval(const std::vector<double>& series, double confidence) {
  const std::size_t n = series.size();
  const auto worth = static_cast<std::size_t>(std::lround(independent_samples(series)));
  const std::size_t rank = rank_of(worth, confidence);
  const double coverage = coverage_of(worth, rank);
  if (worth == n || coverage < confidence)
    return interval_at(series, worth == n ? rank : 1, coverage);
  const double share = static_cast<double>(rank) / static_cast<double>(worth + 1);
  const auto k = static_cast<std::size_t>(share * static_cast<double>(n + 1));
  return interval_at(series, std::max<std::size_t>(1, k), coverage);
}

Interval speedup_interval(const std::vector<double>& baseline_ns,
                          const std::vector<double>& contender_ns) {
  std::vector<double> logs;
  for (std::size_t i = 0; i < std::min(baseline_ns.size(), contender_ns.size()); ++i) {
    logs.push_back(std::log(baseline_ns[i] / contender_ns[i]));
  }
  Interval interval = series_interval(logs);
  interval.estimate = std::exp(interval.estimate);
  interval.lo = std::exp(interval.lo);
  interval.hi = std::exp(interval.hi);
  return interval;
}

}  // namespace sb
