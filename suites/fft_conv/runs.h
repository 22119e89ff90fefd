// How row-wise variants share out their work: rows in the order channel, sequence, so that a
// kernel's spectrum is used by all of its sequences while it is in a cache.
#pragma once

#include <algorithm>
#include <cstdint>

#include "suites/fft_conv/convolution.h"

namespace sb::fft_conv {

// A run of sequences [begin, end) of one channel.
struct Run {
  std::int64_t channel, begin, end;
};

// Calls body(thread, run) for every run; each thread has a contiguous share of all rows, cut at
// multiples of `granule` sequences. A channel at a border between shares is two threads' concern.
template <class Body>
void for_each_run(const Shape& s, int threads, std::int64_t granule, const Body& body) {
  const std::int64_t per_channel = (s.b + granule - 1) / granule;
  const std::int64_t granules = s.h * per_channel;
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int thread = 0; thread < threads; ++thread) {
    std::int64_t at = granules * thread / threads;
    const std::int64_t end = granules * (thread + 1) / threads;
    while (at < end) {
      const std::int64_t channel = at / per_channel;
      const std::int64_t stop = std::min(end, (channel + 1) * per_channel);
      const std::int64_t first = (at - channel * per_channel) * granule;
      body(thread, Run{channel, first, std::min(s.b, first + (stop - at) * granule)});
      at = stop;
    }
  }
}

}  // namespace sb::fft_conv
