// The outermost pass, between rows as the caller stores them and the blocks of the work area: reads
// one or two rows times their gates, writes blocks; and back. No pass packs or unpacks anything.
#if defined(SB_FFT_CONV_REAL_PASS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SB_FFT_CONV_REAL_PASS_INL_H
#undef SB_FFT_CONV_REAL_PASS_INL_H
#else
#define SB_FFT_CONV_REAL_PASS_INL_H
#endif

#include "suites/fft_conv/complex-inl.h"
#include "suites/fft_conv/fused.h"

HWY_BEFORE_NAMESPACE();
namespace sb::fft_conv {
namespace HWY_NAMESPACE {

inline constexpr float kCos = 0.92387953251128674f;  // of pi/8
inline constexpr float kSin = 0.38268343236508977f;

// The odd frequencies of a real transform of radix 4 m, from the 2 m differences of its halves:
// with z_q = (d_q - i d_(q+m)) exp(-2 pi i q/4m) they are the complex transform of m points, and
// come as frequencies 1, 5, 9, ...; 4m - those are their conjugates.
template <int kM>
HWY_INLINE void odd_frequencies(const V* d, C* out) {
  if constexpr (kM == 1) {
    out[0] = {d[0], hn::Neg(d[1])};
    return;
  }
  const V h = hn::Set(kD, kHalfRoot);
  if constexpr (kM == 2) {
    const V p = hn::Sub(d[1], d[3]), q = hn::Add(d[1], d[3]);
    out[0] = {hn::MulAdd(p, h, d[0]), hn::NegMulSub(q, h, d[2])};
    out[1] = {hn::NegMulAdd(p, h, d[0]), hn::MulSub(q, h, d[2])};
  }
  if constexpr (kM == 4) {
    const V c = hn::Set(kD, kCos), s = hn::Set(kD, kSin);
    const V p = hn::Sub(d[2], d[6]), q = hn::Add(d[2], d[6]);
    const C e0 = {hn::MulAdd(p, h, d[0]), hn::NegMulSub(q, h, d[4])};  // z0 + z2
    const C e1 = {hn::NegMulAdd(p, h, d[0]), hn::MulSub(q, h, d[4])};  // z0 - z2
    const C z1 = {hn::NegMulAdd(d[5], s, hn::Mul(d[1], c)),
                  hn::NegMulSub(d[5], c, hn::Mul(d[1], s))};
    const C z3 = {hn::NegMulAdd(d[7], c, hn::Mul(d[3], s)),
                  hn::NegMulSub(d[7], s, hn::Mul(d[3], c))};
    const C sum = add(z1, z3), difference = sub(z1, z3);
    out[0] = add(e0, sum);
    out[2] = sub(e0, sum);
    out[1] = {hn::Add(e1.re, difference.im), hn::Sub(e1.im, difference.re)};
    out[3] = {hn::Sub(e1.re, difference.im), hn::Add(e1.im, difference.re)};
  }
}

// Transforms kRadix reals (kHalf: the second half is zero). zero and half are frequencies 0 and
// kRadix/2; own follows own_frequencies().
template <int kRadix, bool kHalf>
HWY_INLINE void real_dft(const V* a, V& zero, V& half, C* own) {
  if constexpr (kRadix == 2) {
    zero = hn::Add(a[0], a[1]);
    half = hn::Sub(a[0], a[1]);
  } else {
    V sum[kRadix / 2], difference[kRadix / 2];
    for (int q = 0; q < kRadix / 2; ++q) {
      sum[q] = kHalf ? a[q] : hn::Add(a[q], a[q + (kHalf ? 0 : kRadix / 2)]);
      difference[q] = kHalf ? a[q] : hn::Sub(a[q], a[q + (kHalf ? 0 : kRadix / 2)]);
    }
    odd_frequencies<kRadix / 4>(difference, own);
    real_dft<kRadix / 2, false>(sum, zero, half, own + kRadix / 4);
  }
}

// Back: the differences of the halves, unscaled, if own frequencies carry a factor 2.
template <int kM>
HWY_INLINE void from_odd_frequencies(const C* x, V* d) {
  if constexpr (kM == 1) {
    d[0] = x[0].re;
    d[1] = hn::Neg(x[0].im);
    return;
  }
  const V h = hn::Set(kD, kHalfRoot);
  if constexpr (kM == 2) {
    const C sum = add(x[0], x[1]), difference = sub(x[0], x[1]);
    d[0] = sum.re;
    d[2] = hn::Neg(sum.im);
    d[1] = hn::Mul(h, hn::Sub(difference.re, difference.im));
    d[3] = hn::Neg(hn::Mul(h, hn::Add(difference.re, difference.im)));
  }
  if constexpr (kM == 4) {
    const V c = hn::Set(kD, kCos), s = hn::Set(kD, kSin);
    const C even = add(x[0], x[2]), odd = add(x[1], x[3]);
    const C even1 = sub(x[0], x[2]), odd1 = sub(x[1], x[3]);
    const C y0 = add(even, odd), y2 = sub(even, odd);
    const C y1 = {hn::Sub(even1.re, odd1.im), hn::Add(even1.im, odd1.re)};
    const C y3 = {hn::Add(even1.re, odd1.im), hn::Sub(even1.im, odd1.re)};
    d[0] = y0.re;
    d[4] = hn::Neg(y0.im);
    d[1] = hn::NegMulAdd(y1.im, s, hn::Mul(y1.re, c));
    d[5] = hn::NegMulSub(y1.im, c, hn::Mul(y1.re, s));
    d[2] = hn::Mul(h, hn::Sub(y2.re, y2.im));
    d[6] = hn::Neg(hn::Mul(h, hn::Add(y2.re, y2.im)));
    d[3] = hn::NegMulAdd(y3.im, c, hn::Mul(y3.re, s));
    d[7] = hn::NegMulSub(y3.im, s, hn::Mul(y3.re, c));
  }
}

template <int kRadix, bool kHalf>
HWY_INLINE void real_inverse_dft(V zero, V half, const C* own, V* a) {
  if constexpr (kRadix == 2) {
    a[0] = hn::Add(zero, half);
    a[1] = hn::Sub(zero, half);
  } else {
    V sum[kRadix / 2], difference[kRadix / 2];
    real_inverse_dft<kRadix / 2, false>(zero, half, own + kRadix / 4, sum);
    from_odd_frequencies<kRadix / 4>(own, difference);
    for (int q = 0; q < kRadix / 2; ++q) {
      a[q] = hn::Add(sum[q], difference[q]);
      if constexpr (!kHalf) a[q + kRadix / 2] = hn::Sub(sum[q], difference[q]);
    }
  }
}

// The twiddle factors of kLanes columns, one per slot: in the table, or made here for all rows.
template <int kSlots>
class ColumnTwiddles {
 public:
  HWY_INLINE ColumnTwiddles(const FusedPlan& plan, std::int64_t j) {
    if (plan.table != nullptr) {
      at_ = plan.table + j / 16 * kSlots * 32 + j % 16;
      return;
    }
    const float* step = plan.steps + j / 16 * kSlots * 2;
    for (int slot = 0; slot < kSlots; ++slot) {
      const C factor = {hn::Set(kD, step[2 * slot]), hn::Set(kD, step[2 * slot + 1])};
      const C w = mul(table_entry(plan.columns, j % 16, kSlots, slot), factor);
      store_complex(w, made_ + 32 * slot, made_ + 32 * slot + 16);
    }
    at_ = made_;
  }
  HWY_INLINE C operator[](int slot) const {
    return load_complex(at_ + 32 * slot, at_ + 32 * slot + 16);
  }

 private:
  const float* at_;
  alignas(64) float made_[kSlots * 32];
};

// Where blocks of a team begin (fused_plan.h).
struct Blocks {
  float* re;
  std::int64_t apart, plane;
  int own;
  HWY_INLINE Blocks(const FusedPlan& plan, float* work)
      : re(work), apart(plan.apart), plane(plan.plane), own(plan.own()) {}
  HWY_INLINE float* of_row(int row, int slot) const { return re + (row * own + slot) * apart; }
  HWY_INLINE float* zero() const { return re + 2 * own * apart; }
  HWY_INLINE float* half() const { return re + (2 * own + 1) * apart; }
};

template <class T>
HWY_INLINE V load_gated(const T* x, const T* gate, std::int64_t i) {
  const V v = load(x + i);
  return gate == nullptr ? v : hn::Mul(v, load(gate + i));
}

HWY_INLINE void fetch_line(const char* line, bool nearest) {
  nearest ? __builtin_prefetch(line, 0, 3) : __builtin_prefetch(line, 0, 2);
}

HWY_INLINE void fetch(Ahead& ahead, int lines) {
  if constexpr (kLanes == 1) return;  // a block is one point, and a column one of 16
  if (ahead.skew == 0) {              // a stream at a time, as the Xeons were measured
    for (int i = 0; i < ahead.count; ++i) {
      const char* from = ahead.stream[i] + ahead.at;
      for (int line = 0; line < lines; ++line) fetch_line(from + 64 * line, ahead.nearest);
    }
    ahead.at += 64 * lines;
    return;
  }
  for (int line = 0; line < lines; ++line, ahead.at += 64) {
    std::int64_t at = ahead.at;
    for (int i = 0; i < ahead.count; ++i, at += ahead.skew) {
      if (at >= ahead.bytes) at -= ahead.bytes;
      fetch_line(ahead.stream[i] + at, ahead.nearest);
    }
  }
}

// The pieces of one or two long rows are more streams than the prefetcher of a core follows (32).
// So a pass at column j fetches what it needs a little later: a quarter of the pieces at a time,
// and of each the lines of 64 columns, for memory prefers neighbours.
template <class T>
HWY_INLINE void fetch_columns(FetchedByPass how, const void* row, std::int64_t stride, int pieces,
                              std::int64_t j) {
  if (how == FetchedByPass::kNothing || row == nullptr) return;
  const bool nearest = how == FetchedByPass::kFirstLevel;
  const std::int64_t first = (j / 64 + (nearest ? 1 : 3)) * 64;
  if (first >= stride) return;
  const int quarter = static_cast<int>(j / 16 % 4);
  for (int q = pieces * quarter / 4; q < pieces * (quarter + 1) / 4; ++q) {
    const char* piece = static_cast<const char*>(row) + (q * stride + first) * sizeof(T);
    for (std::size_t at = 0; at < 64 * sizeof(T); at += 64) fetch_line(piece + at, nearest);
  }
}

// All that is fetched beside 16 columns from j on.
template <class T>
HWY_INLINE void fetch_beside(const TeamInput& in, std::int64_t stride, int pieces, std::int64_t j) {
  if (in.ahead != nullptr) fetch(*in.ahead, in.ahead->lines_before);
  for (int row = 0; row < in.rows; ++row) {
    fetch_columns<T>(in.fetches, in.x[row], stride, pieces, j);
    fetch_columns<T>(in.fetches, in.gate[row], stride, pieces, j);
  }
}
template <class T>
HWY_INLINE void fetch_beside(const TeamOutput& out, std::int64_t stride, int pieces,
                             std::int64_t j) {
  if (out.ahead != nullptr) fetch(*out.ahead, out.ahead->lines_after);
  for (int row = 0; row < out.rows; ++row) {
    for (const TeamOutput::Result& result : out.result[row]) {
      fetch_columns<T>(out.fetches, result.factor, stride, pieces, j);
    }
  }
}

template <int kRadix, bool kHalf, class T>
HWY_NOINLINE void forward_real(const FusedPlan& plan, const TeamInput& in, float* work,
                               std::int64_t begin, std::int64_t end) {
  constexpr int kOwn = kRadix / 2 - 1;
  constexpr int kInputs = kHalf ? kRadix / 2 : kRadix;
  const bool fetches =
      in.fetches != FetchedByPass::kNothing || (in.ahead != nullptr && in.ahead->lines_before > 0);
  const Blocks blocks(plan, work);
  for (std::int64_t j = begin; j < end; j += kLanes) {
    const ColumnTwiddles<kRadix / 2> w(plan, j);
    if (fetches && j % 16 == 0) fetch_beside<T>(in, plan.s, kInputs, j);
    V zero[2], half[2];
    zero[1] = half[1] = hn::Zero(kD);
    for (int row = 0; row < in.rows; ++row) {
      const auto* x = static_cast<const T*>(in.x[row]);
      const auto* gate = static_cast<const T*>(in.gate[row]);
      V a[kInputs];
      for (int q = 0; q < kInputs; ++q) a[q] = load_gated(x, gate, q * plan.s + j);
      C own[kOwn];
      real_dft<kRadix, kHalf>(a, zero[row], half[row], own);
      for (int slot = 0; slot < kOwn; ++slot) {
        float* to = blocks.of_row(row, slot) + j;
        store_complex(mul(own[slot], w[slot]), to, to + blocks.plane);
      }
    }
    store_complex({zero[0], zero[1]}, blocks.zero() + j, blocks.zero() + blocks.plane + j);
    store_complex(mul({half[0], half[1]}, w[kOwn]), blocks.half() + j,
                  blocks.half() + blocks.plane + j);
  }
}

// v = a times a row of factors (null: none), of which a column's vectors are `stride` apart.
template <int kOutputs, class T>
HWY_INLINE void multiply(const V* a, const void* factor, std::int64_t stride, std::int64_t j,
                         V* v) {
  const auto* f = static_cast<const T*>(factor);
  for (int q = 0; q < kOutputs; ++q) {
    v[q] = f == nullptr ? a[q] : hn::Mul(a[q], load(f + q * stride + j));
  }
}

template <int kOutputs, class T>
HWY_INLINE void store_columns(const V* v, void* to, std::int64_t stride, std::int64_t j,
                              bool streams) {
  auto* y = static_cast<T*>(to);
  for (int q = 0; q < kOutputs; ++q) {
    streams ? store<true>(v[q], y + q * stride + j) : store<false>(v[q], y + q * stride + j);
  }
}

// Real and imaginary parts of the blocks are exchanged (blocks-inl.h): what was the first row's
// part of the shared blocks lies in the imaginary plane.
//
// A load waits for an earlier store whose address ends in the same 12 bits until that has left the
// core, and stores past the caches take long. Where the pieces of a row are pages apart, factors
// and results all end alike: then the results of a column are held back until the factors of both
// rows have been read (a seventh of the time at n = 16384).
template <int kRadix, bool kHalf, class T>
HWY_NOINLINE void inverse_real(const FusedPlan& plan, float* work, const TeamOutput& out,
                               std::int64_t begin, std::int64_t end) {
  constexpr int kOwn = kRadix / 2 - 1;
  constexpr int kOutputs = kHalf ? kRadix / 2 : kRadix;
  const bool fetches = out.fetches != FetchedByPass::kNothing ||
                       (out.ahead != nullptr && out.ahead->lines_after > 0);
  const Blocks blocks(plan, work);
  const bool holds = out.result[0][0].factor != nullptr &&
                     plan.s * static_cast<std::int64_t>(sizeof(T)) % 4096 == 0;
  V held[2][2][kOutputs];
  for (std::int64_t j = begin; j < end; j += kLanes) {
    const ColumnTwiddles<kRadix / 2> w(plan, j);
    const auto exchanged = [&](const float* block) HWY_ATTR {
      return load_complex(block + blocks.plane + j, block + j);
    };
    const auto each_result = [&](int row, const auto& body) HWY_ATTR {
      for (int i = 0; i < 2; ++i) {
        const TeamOutput::Result& result = out.result[row][i];
        if (result.y != nullptr) body(result, held[row][i]);
      }
    };
    const auto write = [&](const TeamOutput::Result& result, const V* v) HWY_ATTR {
      store_columns<kOutputs, T>(v, result.y, plan.s, j, out.streams);
    };
    if (fetches && j % 16 == 0) fetch_beside<T>(out, plan.s, kOutputs, j);
    const C zero = exchanged(blocks.zero());
    const C half = mul_conj(exchanged(blocks.half()), w[kOwn]);
    for (int row = 0; row < out.rows; ++row) {
      C own[kOwn];
      for (int slot = 0; slot < kOwn; ++slot) {
        own[slot] = mul_conj(exchanged(blocks.of_row(row, slot)), w[slot]);
      }
      V a[kRadix];
      real_inverse_dft<kRadix, kHalf>(row == 0 ? zero.re : zero.im, row == 0 ? half.re : half.im,
                                      own, a);
      each_result(row, [&](const TeamOutput::Result& result, V* v) HWY_ATTR {
        if (holds) return multiply<kOutputs, T>(a, result.factor, plan.s, j, v);
        V now[kOutputs];
        multiply<kOutputs, T>(a, result.factor, plan.s, j, now);
        write(result, now);
      });
    }
    for (int row = 0; holds && row < out.rows; ++row) each_result(row, write);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace sb::fft_conv
HWY_AFTER_NAMESPACE();

#endif  // toggling guard
