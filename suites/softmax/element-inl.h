// Rows of any storage type as vectors of floats, compiled once per instruction set.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>

#include "suites/softmax/passes.h"

// Toggling guard: foreach_target.h includes this once per target.
#if defined(SB_SOFTMAX_ELEMENT_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SB_SOFTMAX_ELEMENT_INL_H
#undef SB_SOFTMAX_ELEMENT_INL_H
#else
#define SB_SOFTMAX_ELEMENT_INL_H
#endif

#include "backend/stored-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sb::softmax {
namespace HWY_NAMESPACE {
using namespace sb::HWY_NAMESPACE;

// Vectors in flight: hides the latency of an exponential's chain of 9 dependent operations.
constexpr int kUnroll = kStreams;
constexpr std::int64_t kTile = kUnroll * kLanes;

// kUnroll accumulators of kLanes each take kTermsPerLane terms.
constexpr std::int64_t kSumBlock = std::min(kBlock, kTermsPerLane* kTile);

// The last n < kLanes elements, `neutral` in the other lanes.
template <class T>
HWY_INLINE V load_rest(const T* from, std::int64_t n, V neutral) {
  const auto mask = hn::FirstN(kD, static_cast<std::size_t>(n));
  if constexpr (sizeof(T) == sizeof(float)) {
    return hn::IfThenElse(mask, hn::MaskedLoad(mask, kD, from), neutral);
  } else {
    T whole[kLanes] = {};  // AVX2 has no masked load of 16-bit lanes
    std::memcpy(whole, from, static_cast<std::size_t>(n) * sizeof(T));
    return hn::IfThenElse(mask, load(whole), neutral);
  }
}

// kUnroll vectors of a row of T: whole lines side by side, or one of every stream. All parts of a
// line come together: a line that is stored past the caches by halves, with other lines between
// them, may leave its fill buffer half full, and memory then reads it before it writes it.
template <class T>
struct Tile {
  static constexpr int kOfLine =
      std::min(kUnroll, std::max(1, 64 / static_cast<int>(kLanes * sizeof(T))));  // vectors
  static constexpr std::int64_t kStep = kOfLine * kLanes;  // elements of a stream

  std::int64_t first;
  std::int64_t apart;  // from line to line

  HWY_INLINE std::int64_t operator[](int u) const {
    return first + u / kOfLine * apart + u % kOfLine * kLanes;
  }
};

// Visits a span in tiles. Asks for what will be read next but some: the hardware's prefetchers stop
// at the end of a page, and the reorder buffer holds no more than a dozen lines' worth of
// exponentials. Returns the first element not visited: fewer than a tile are left of a row, none of
// streams.
template <class T, class F>
HWY_INLINE std::int64_t for_each_tile(const T* x, Span span, const F& f) {
  constexpr std::int64_t kSize = sizeof(T);
  constexpr std::int64_t kStep = Tile<T>::kStep;
  if (span.apart == 0) {
    constexpr std::int64_t kAhead = 2048 / kSize;
    std::int64_t i = 0;
    for (; i + kTile <= span.n; i += kTile) {
      if constexpr (kLanes > 1) {
        for (std::int64_t k = 0; k < kTile; k += 64 / kSize) hwy::Prefetch(x + i + kAhead + k);
      }
      f(Tile<T>{i, kStep});
    }
    return i;
  }
  constexpr std::int64_t kAhead = 3072 / kSize;
  constexpr int kStreamsOfTile = kUnroll / Tile<T>::kOfLine;
  for (std::int64_t i = 0; i < span.n / kStreams; i += kStep) {
    if constexpr (kLanes > 1) {
      // Into the second level: there a line on its way does not take up one of the few buffers in
      // which the first level waits (12 to 24).
      for (int s = 0; s < kStreams; ++s) __builtin_prefetch(x + i + kAhead + s * span.apart, 0, 2);
    }
    for (int s = 0; s < kStreams; s += kStreamsOfTile) f(Tile<T>{i + s * span.apart, span.apart});
  }
  return span.n;
}

// Asks for the lines of a result of streams, which no cache holds: a store would wait in its buffer
// until memory has read the line.
template <class T>
HWY_INLINE void fetch_to_write(const T* y, Span span, Tile<T> tile) {
  constexpr std::int64_t kAhead = 1024 / sizeof(T);
  if (kLanes == 1 || span.apart == 0) return;
  for (int u = 0; u < kUnroll; u += Tile<T>::kOfLine)
    __builtin_prefetch(y + tile[u] + kAhead, 1, 2);
}

// The last n < kLanes elements.
template <class T>
HWY_INLINE void store_rest(V v, T* to, std::int64_t n) {
  if constexpr (sizeof(T) == sizeof(float)) {
    hn::BlendedStore(v, hn::FirstN(kD, static_cast<std::size_t>(n)), kD, to);
  } else {
    T whole[kLanes];
    store<false>(v, whole);
    std::memcpy(to, whole, static_cast<std::size_t>(n) * sizeof(T));
  }
}

// y = f(x), vector by vector; with kStream by non-temporal stores, which need aligned addresses and
// leave no line in any cache (and save the read that an ordinary store makes). Streams begin at
// lines of y.
template <bool kStream, class T, class F>
HWY_INLINE void transform(const T* x, T* y, Span span, const F& f) {
  std::int64_t head = 0;
  if constexpr (kStream) {
    constexpr auto kSize = static_cast<std::int64_t>(sizeof(T));
    const auto past = static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(y) %
                                                static_cast<std::uintptr_t>(kLanes * kSize));
    head = past == 0 ? 0 : std::min(span.n, kLanes - past / kSize);
    if (head > 0) store_rest(f(load_rest(x, head, hn::Zero(kD))), y, head);
    x += head;
    y += head;
  }
  const std::int64_t n = span.n - head;
  std::int64_t i = for_each_tile(x, {n, span.apart}, [&](Tile<T> tile) HWY_ATTR {
    if constexpr (!kStream) fetch_to_write(y, span, tile);
    for (int u = 0; u < kUnroll; ++u) store<kStream>(f(load(x + tile[u])), y + tile[u]);
  });
  for (; i + kLanes <= n; i += kLanes) store<kStream>(f(load(x + i)), y + i);
  if (i < n) store_rest(f(load_rest(x + i, n - i, hn::Zero(kD))), y + i, n - i);
  if constexpr (kStream) hwy::FlushStream();
}

}  // namespace HWY_NAMESPACE
}  // namespace sb::softmax
HWY_AFTER_NAMESPACE();

#endif  // toggling guard
