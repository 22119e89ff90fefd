#include "measure/statistics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/fill.h"

namespace sb {
namespace {

std::vector<double> one_to(int last) {
  std::vector<double> numbers(static_cast<std::size_t>(last));
  std::iota(numbers.begin(), numbers.end(), 1);
  return numbers;
}

TEST(Median, IsTheMiddleSampleOfAnOddCountAndTheMeanOfTwoOfAnEvenOne) {
  EXPECT_EQ(median({3, 1, 2}), 2);
  EXPECT_EQ(median({4, 1, 2, 3}), 2.5);
}

TEST(Interval, IsTheTabulatedPairOfOrderStatistics) {
  // Sign-test tables: n = 15 takes the 4th smallest and largest (96.5 %), n = 10 the 2nd (97.9 %).
  const Interval fifteen = median_interval(one_to(15));
  EXPECT_EQ(fifteen.lo, 4);
  EXPECT_EQ(fifteen.hi, 12);
  EXPECT_NEAR(fifteen.coverage, 0.96484375, 1e-9);
  const Interval ten = median_interval(one_to(10));
  EXPECT_EQ(ten.lo, 2);
  EXPECT_EQ(ten.hi, 9);
  EXPECT_NEAR(ten.coverage, 0.978515625, 1e-9);
}

TEST(Interval, OfFewSamplesSpansThemAllAndAdmitsItsCoverage) {
  const Interval interval = median_interval({5, 1, 3});
  EXPECT_EQ(interval.lo, 1);
  EXPECT_EQ(interval.hi, 5);
  EXPECT_NEAR(interval.coverage, 0.75, 1e-12);
  EXPECT_NEAR(median_interval({7}).coverage, 0, 1e-12);
}

TEST(Interval, CoversTheTrueMedianAsOftenAsItSays) {
  constexpr int kTrials = 4000;
  int covered = 0;
  for (std::uint64_t trial = 0; trial < kTrials; ++trial) {
    std::vector<double> samples;
    for (std::uint64_t i = 0; i < 15; ++i) {
      samples.push_back(std::exp(random_normal(trial, i)));  // skewed, as timings are; median 1
    }
    const Interval interval = median_interval(samples);
    covered += interval.lo <= 1 && 1 <= interval.hi ? 1 : 0;
  }
  EXPECT_NEAR(covered / double{kTrials}, 0.9648, 0.01);  // 3 sigma of 4000 trials is 0.009
}

// x(i) = mood(i / hold) + noise(i): a machine whose mood lasts `hold` samples.
std::vector<double> moody_series(std::uint64_t trial, std::uint64_t samples, std::uint64_t hold) {
  std::vector<double> series;
  for (std::uint64_t i = 0; i < samples; ++i) {
    const double mood = random_normal(2 * trial, i / hold);
    series.push_back(10 + mood + 0.1 * random_normal(2 * trial + 1, i));
  }
  return series;
}

TEST(SeriesInterval, OfSamplesThatAlternateIsTheSignTestInterval) {
  std::vector<double> samples;
  for (int i = 0; i < 15; ++i) samples.push_back(i % 2 == 0 ? i : -i);
  EXPECT_EQ(independent_samples(samples), 15);
  EXPECT_EQ(series_interval(samples).lo, median_interval(samples).lo);
  EXPECT_EQ(series_interval(samples).hi, median_interval(samples).hi);
}

TEST(SeriesInterval, OfATrendSpansAllSamplesAndAdmitsThatItCoversNothing) {
  const Interval trend = series_interval(one_to(15));
  EXPECT_EQ(trend.lo, 1);
  EXPECT_EQ(trend.hi, 15);
  EXPECT_LT(trend.coverage, 0.5);
}

TEST(SeriesInterval, OfSamplesThatShareMoodsCoversTheMedianWhereTheSignTestDoesNot) {
  constexpr int kTrials = 2000;
  int exact = 0, series = 0;
  const auto covers = [](const Interval& interval) {
    return interval.lo <= 10 && 10 <= interval.hi;
  };
  for (std::uint64_t trial = 0; trial < kTrials; ++trial) {
    const std::vector<double> samples = moody_series(trial, 60, 3);
    exact += covers(median_interval(samples)) ? 1 : 0;
    series += covers(series_interval(samples)) ? 1 : 0;
  }
  EXPECT_LT(exact / double{kTrials}, 0.85);
  EXPECT_GT(series / double{kTrials}, 0.92);
}

TEST(Speedup, IsFormedWithinRoundsSoThatSharedDriftCancels) {
  std::vector<double> baseline;
  std::vector<double> contender;
  for (int round = 0; round < 15; ++round) {
    const double drift = 1 + 0.2 * round;
    baseline.push_back(200 * drift);
    contender.push_back(100 * drift);
  }
  const Interval speedup = speedup_interval(baseline, contender);
  EXPECT_NEAR(speedup.estimate, 2, 1e-12);
  EXPECT_NEAR(speedup.lo, 2, 1e-12);
  EXPECT_NEAR(speedup.hi, 2, 1e-12);
}

}  // namespace
}  // namespace sb
