// How row-wise variants share out their work: rows in the order channel, sequence, so that a
// kernel's spectrum is used by all of its sequences while it is in a cache.
#pragma once

#include <omp.h>

#include <algorithm>
#include <cstdint>

#include "suites/fft_conv/convolution.h"

namespace sb::fft_conv {

// A run of sequences [begin, end) of one channel.
struct Run {
  std::int64_t channel, begin, end;
};

// Rows in units of `granule` sequences of a channel.
struct Granules {
  Granules(const Shape& s, std::int64_t sequences)
      : granule(sequences), b(s.b), per_channel((s.b + granule - 1) / granule) {}

  // Calls body(run) for the runs that granules [at, end) are.
  template <class Body>
  void for_each_run(std::int64_t at, std::int64_t end, const Body& body) const {
    while (at < end) {
      const std::int64_t channel = at / per_channel;
      const std::int64_t stop = std::min(end, (channel + 1) * per_channel);
      const std::int64_t first = (at - channel * per_channel) * granule;
      body(Run{channel, first, std::min(b, first + (stop - at) * granule)});
      at = stop;
    }
  }

  std::int64_t granule, b, per_channel;
};

// Calls body(thread, run) for every run; each thread has a contiguous share of all rows, the same
// every time. A channel at a border between shares is two threads' concern.
template <class Body>
void for_each_run_in_order(const Shape& s, int threads, std::int64_t granule, const Body& body) {
  const Granules granules(s, granule);
  const std::int64_t count = s.h * granules.per_channel;
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int thread = 0; thread < threads; ++thread) {
    granules.for_each_run(count * thread / threads, count * (thread + 1) / threads,
                          [&](const Run& run) { body(thread, run); });
  }
}

// The same with more shares than threads, taken one by one: a core that somebody else uses as well
// takes fewer. Where every run begins with the transform of its kernel, shares are whole channels.
template <class Body>
void for_each_run(const Shape& s, int threads, std::int64_t granule, const Body& body) {
  constexpr std::int64_t kShares = 16, kFewestShares = 4;  // of a thread
  const Granules granules(s, granule);
  const std::int64_t unit = s.cached ? 1 : granules.per_channel;
  const std::int64_t units = s.h * granules.per_channel / unit;
  if (threads == 1 || units < kFewestShares * threads) {
    return for_each_run_in_order(s, threads, granule, body);
  }
  const std::int64_t shares = std::min(units, kShares * threads);
#pragma omp parallel for num_threads(threads) schedule(dynamic)
  for (std::int64_t share = 0; share < shares; ++share) {
    const int thread = omp_get_thread_num();
    granules.for_each_run(units * share / shares * unit, units * (share + 1) / shares * unit,
                          [&](const Run& run) { body(thread, run); });
  }
}

}  // namespace sb::fft_conv
