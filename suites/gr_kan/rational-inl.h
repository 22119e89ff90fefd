// What the vector variants share, compiled once per instruction set. Backward: evaluate a vector of
// elements, store dx, and give ten products to the lane sums. How lane sums add is the caller's.
#if defined(SB_GR_KAN_RATIONAL_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SB_GR_KAN_RATIONAL_INL_H
#undef SB_GR_KAN_RATIONAL_INL_H
#else
#define SB_GR_KAN_RATIONAL_INL_H
#endif

#include <algorithm>
#include <cstdint>

#include "hwy/highway.h"
#include "suites/gr_kan/chunks.h"

HWY_BEFORE_NAMESPACE();
namespace sb::gr_kan {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;
inline constexpr D kD{};
inline constexpr std::int64_t kLanes = hn::MaxLanes(kD);

struct GroupCoefficients {
  V a[kNumerators], b[kDenominators];
  HWY_INLINE explicit GroupCoefficients(const float* c) {
    for (int i = 0; i < kNumerators; ++i) a[i] = hn::Set(kD, c[i]);
    for (int i = 0; i < kDenominators; ++i) b[i] = hn::Set(kD, c[kNumerators + i]);
  }
};

// dx of one vector; adds g x^i / Q and g P/Q^2 |x|^i to sums[kTerms].
template <typename Sum>
HWY_INLINE V backward_vector(V x, V g, const GroupCoefficients& c, Sum* sums) {
  const V ax = hn::Abs(x);
  // Horner gives a polynomial and its derivative together, from the same coefficients.
  V dp = c.a[5];
  V p = hn::MulAdd(c.a[5], x, c.a[4]);
  V dq = c.b[3];
  V q = hn::MulAdd(c.b[3], ax, c.b[2]);
  for (int i = 3; i >= 0; --i) {
    dp = hn::MulAdd(dp, x, p);
    p = hn::MulAdd(p, x, c.a[i]);
  }
  for (int i = 1; i >= -1; --i) {
    dq = hn::MulAdd(dq, ax, q);
    q = hn::MulAdd(q, ax, i < 0 ? hn::Set(kD, 1.0f) : c.b[i < 0 ? 0 : i]);
  }
  const V r = hn::Div(hn::Set(kD, 1.0f), q);
  const V s = hn::Mul(g, r);
  // (g r P) r and not g P / (Q Q): Q^2 leaves float's range at |x| of about 6e4.
  const V t = hn::Mul(hn::Mul(s, p), r);
  // Adding 0 makes -0 positive. A comparison would take a multiply pipe on Zen 4.
  const V sign = hn::And(hn::Add(x, hn::Zero(kD)), hn::Set(kD, -0.0f));
  const V signed_dq = hn::Xor(dq, sign);
  const V dx = hn::NegMulAdd(signed_dq, t, hn::Mul(s, dp));

  // Ten multiply-adds and products and four additions: s x^2 and t x^2 give two terms each.
  const V x2 = hn::Mul(x, x);
  const V s2 = hn::Mul(s, x2);
  const V s4 = hn::Mul(s2, x2);
  const V t2 = hn::Mul(t, x2);
  sums[0].add(s);
  sums[1].add_product(s, x);
  sums[2].add(s2);
  sums[3].add_product(s2, x);
  sums[4].add(s4);
  sums[5].add_product(s4, x);
  sums[6].add_product(t, ax);
  sums[7].add(t2);
  sums[8].add_product(t2, ax);
  sums[9].add_product(t2, x2);
  return dx;
}

// The ordinary lane sum.
struct PlainSum {
  V sum;
  // Written out: an implicit constructor would not get this region's instruction set.
  HWY_INLINE PlainSum() : sum(hn::Zero(kD)) {}
  HWY_INLINE void add(V v) { sum = hn::Add(sum, v); }
  HWY_INLINE void add_product(V v, V w) { sum = hn::MulAdd(v, w, sum); }
};

// Doubles that a lane sum is folded into: lane l and its opposite in the other half share one.
inline constexpr std::int64_t kFolded = kLanes == 1 ? 1 : kLanes / 2;

// Adds the lanes of `v` to kFolded doubles, in a fixed order.
HWY_INLINE void fold_to_double(V v, double* doubles) {
#if HWY_TARGET == HWY_SCALAR
  *doubles += hn::GetLane(v);
#else
  const hn::Repartition<double, D> dd;
  const hn::Half<D> dh;
  const auto low = hn::PromoteTo(dd, hn::LowerHalf(dh, v));
  const auto high = hn::PromoteTo(dd, hn::UpperHalf(dh, v));
  hn::Store(hn::Add(hn::Load(dd, doubles), hn::Add(low, high)), dd, doubles);
#endif
}

// How far ahead of its use a line is asked for, in elements. A vector of elements takes some 22
// cycles, so the window of instructions that a core looks ahead in covers less time than memory
// takes to answer: without this, computing and loading add up instead of overlapping.
inline constexpr std::int64_t kAhead = 640;
// Over all places where rows are taken from several: three streams of each share the first level
// with the sums. 640 took 1.02 times as long on Zen 4.
inline constexpr std::int64_t kAheadOfRuns = 384;

HWY_INLINE void prefetch_for_write(const float* p) {
#if defined(__x86_64__)
  // The builtin gives a read prefetch unless the whole file is compiled for PREFETCHW. Processors
  // that lack the instruction take it for a no-op.
  asm volatile("prefetchw %0" : : "m"(*p));
#else
  __builtin_prefetch(p, 1);
#endif
}

enum class Stores { kOrdinary, kStreaming };

// Rows [begin, end) of one group; lines are asked for kDistance elements ahead (0: not at all).
// Lanes past the group hold x = g = 0, which adds nothing.
template <Stores kStores, std::int64_t kDistance, typename Sum>
HWY_INLINE void backward_tile(const BackwardCall& call, std::int64_t group, std::int64_t begin,
                              std::int64_t end, Sum* sums) {
  const GroupCoefficients c(call.coefficients + group * kTerms);
  const std::int64_t width = call.shape.group_size;
  const std::int64_t whole = width / kLanes * kLanes;
  const auto rest = hn::FirstN(kD, static_cast<std::size_t>(width - whole));
  for (std::int64_t row = begin; row < end; ++row) {
    const std::int64_t first = row * call.shape.d + group * width;
    const float* x = call.x + first;
    const float* g = call.g + first;
    float* dx = call.dx + first;
    for (std::int64_t i = 0; i < whole; i += kLanes) {
      if constexpr (kDistance > 0) {
        __builtin_prefetch(x + i + kDistance);
        __builtin_prefetch(g + i + kDistance);
        if constexpr (kStores == Stores::kOrdinary) prefetch_for_write(dx + i + kDistance);
      }
      const V result = backward_vector(hn::LoadU(kD, x + i), hn::LoadU(kD, g + i), c, sums);
      if constexpr (kStores == Stores::kStreaming) {
        hn::Stream(result, kD, dx + i);
      } else {
        hn::StoreU(result, kD, dx + i);
      }
    }
    if (whole < width) {
      const V result = backward_vector(hn::MaskedLoad(rest, kD, x + whole),
                                       hn::MaskedLoad(rest, kD, g + whole), c, sums);
      hn::BlendedStore(result, rest, kD, dx + whole);
    }
  }
}

// Rows that a group has before the next one's turn: narrow groups get several, so that loading ten
// coefficients and ten sums costs no more than wide groups pay for it.
HWY_INLINE std::int64_t rows_per_turn(const Shape& shape) {
  constexpr std::int64_t kChannels = 96;
  return std::max<std::int64_t>(1, kChannels / shape.group_size);
}

// Rows [begin, end) and those of kRuns - 1 further runs, each `apart` rows after the one before;
// all groups, in the order in which they lie in memory: the hardware's own prefetching then works
// too. A group's sums wait in kept[groups][kTerms] while others have their turn.
template <Stores kStores, int kRuns = 1, typename Sum>
HWY_INLINE void backward_rows(const BackwardCall& call, std::int64_t begin, std::int64_t end,
                              Sum* kept, std::int64_t apart = 0) {
  constexpr std::int64_t kDistance = kRuns == 1 ? kAhead : kAheadOfRuns / kRuns;
  const std::int64_t rows = rows_per_turn(call.shape);
  for (std::int64_t row = begin; row < end; row += rows) {
    const std::int64_t count = std::min(rows, end - row);
    for (std::int64_t group = 0; group < call.shape.groups; ++group) {
      Sum sums[kTerms];
      for (int i = 0; i < kTerms; ++i) sums[i] = kept[group * kTerms + i];
      for (std::int64_t run = 0, at = row; run < kRuns; ++run, at += apart) {
        backward_tile<kStores, kDistance>(call, group, at, at + count, sums);
      }
      for (int i = 0; i < kTerms; ++i) kept[group * kTerms + i] = sums[i];
    }
  }
}

// Rows whose terms a float lane sum takes before it is folded. One lane alone (scalar) gets all the
// terms of a row, so it has to be folded sooner for the same error.
inline constexpr std::int64_t kFoldRows = kLanes == 1 ? 2 : 16;

}  // namespace HWY_NAMESPACE
}  // namespace sb::gr_kan
HWY_AFTER_NAMESPACE();

#endif
