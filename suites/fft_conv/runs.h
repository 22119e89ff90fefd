// How row-wise variants share out their work: rows in the order channel, sequence, so that a
// kernel's spectrum is used by all of its sequences while it is in a cache.
#pragma once

#include <omp.h>

#include <algorithm>
#include <cstdint>

#include "suites/fft_conv/convolution.h"

namespace sb::fft_conv {

// A run of sequences [begin, end) of one channel, or of `channels` neighbours.
struct Run {
  std::int64_t channel, begin, end;
  std::int64_t channels = 1;
};

// Rows in units of `granule` sequences of a channel, or of `tile` neighbours.
struct Granules {
  Granules(const Shape& s, std::int64_t sequences, std::int64_t channels = 1)
      : granule(sequences),
        tile(channels),
        b(s.b),
        h(s.h),
        tiles((s.h + tile - 1) / tile),
        per_tile((s.b + granule - 1) / granule) {}

  // Calls body(run) for the runs that granules [at, end) are.
  template <class Body>
  void for_each_run(std::int64_t at, std::int64_t end, const Body& body) const {
    while (at < end) {
      const std::int64_t place = at / per_tile;
      const std::int64_t stop = std::min(end, (place + 1) * per_tile);
      const std::int64_t first = (at - place * per_tile) * granule;
      const std::int64_t channel = place * tile;
      body(Run{channel, first, std::min(b, first + (stop - at) * granule),
               std::min(tile, h - channel)});
      at = stop;
    }
  }

  std::int64_t granule, tile, b, h, tiles, per_tile;
};

// Calls body(thread, run) for every run; each thread has a contiguous share of all rows, the same
// every time. A channel at a border between shares is two threads' concern.
template <class Body>
void for_each_run_in_order(const Shape& s, int threads, std::int64_t granule, const Body& body,
                           std::int64_t tile = 1) {
  const Granules granules(s, granule, tile);
  const std::int64_t count = granules.tiles * granules.per_tile;
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int thread = 0; thread < threads; ++thread) {
    granules.for_each_run(count * thread / threads, count * (thread + 1) / threads,
                          [&](const Run& run) { body(thread, run); });
  }
}

// The same with more shares than threads, taken one by one: a core that somebody else uses as well
// takes fewer. Where every run begins with the transform of its kernel, shares are whole channels.
// `tile` neighbouring channels are a run together.
template <class Body>
void for_each_run(const Shape& s, int threads, std::int64_t granule, const Body& body,
                  std::int64_t tile = 1) {
  constexpr std::int64_t kShares = 16, kFewestShares = 4;  // of a thread
  const Granules granules(s, granule, tile);
  const std::int64_t unit = s.cached ? 1 : granules.per_tile;
  const std::int64_t units = granules.tiles * granules.per_tile / unit;
  if (threads == 1 || units < kFewestShares * threads) {
    return for_each_run_in_order(s, threads, granule, body, tile);
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
