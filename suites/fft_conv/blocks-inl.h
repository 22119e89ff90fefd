// Complex blocks: forward transform (natural order in, permuted out), inverse (permuted in, natural
// out), depth first. The inverse is the forward transform of exchanged real and imaginary parts:
// what an innermost kernel leaves is exchanged, and stays so until the real pass reads it.
#if defined(SB_FFT_CONV_BLOCKS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SB_FFT_CONV_BLOCKS_INL_H
#undef SB_FFT_CONV_BLOCKS_INL_H
#else
#define SB_FFT_CONV_BLOCKS_INL_H
#endif

#include "suites/fft_conv/complex-inl.h"
#include "suites/fft_conv/fused_plan.h"

HWY_BEFORE_NAMESPACE();
namespace sb::fft_conv {
namespace HWY_NAMESPACE {

// W^(jr) times the r-th output: decimation in frequency.
template <int kRadix>
HWY_NOINLINE void forward_pass(const FusedLevel& level, float* re, float* im) {
  const std::int64_t stride = level.stride;
  for (std::int64_t j = 0; j < stride; j += kLanes) {
    C a[kRadix];
    for (int q = 0; q < kRadix; ++q) {
      a[q] = load_complex(re + q * stride + j, im + q * stride + j);
    }
    if constexpr (kRadix == 2) dft2(a);
    if constexpr (kRadix == 4) dft4(a[0], a[1], a[2], a[3]);
    if constexpr (kRadix == 8) dft8(a);
    store_complex(a[0], re + j, im + j);
    for (int r = 1; r < kRadix; ++r) {
      const C w = table_entry(level.twiddles, j, kRadix, r);
      store_complex(mul(a[r], w), re + r * stride + j, im + r * stride + j);
    }
  }
}

template <int kRadix>
HWY_NOINLINE void inverse_pass(const FusedLevel& level, float* re, float* im) {
  const std::int64_t stride = level.stride;
  for (std::int64_t j = 0; j < stride; j += kLanes) {
    C a[kRadix];
    for (int r = 0; r < kRadix; ++r) {
      a[r] = load_complex(re + r * stride + j, im + r * stride + j);
    }
    const auto w = [&](int slot) HWY_ATTR { return table_entry(level.twiddles, j, kRadix, slot); };
    if constexpr (kRadix == 2) butterfly(a[0], a[1], w(1));
    if constexpr (kRadix == 4) twiddled_dft4(a[0], a[1], a[2], a[3], w(1), w(2));
    if constexpr (kRadix == 8) twiddled_dft8(a, w(1), w(0), w(2), w(4));
    for (int q = 0; q < kRadix; ++q) {
      store_complex(a[q], re + q * stride + j, im + q * stride + j);
    }
  }
}

HWY_INLINE void forward_level(const FusedLevel& level, float* re, float* im) {
  if (level.radix == 8) return forward_pass<8>(level, re, im);
  if (level.radix == 4) return forward_pass<4>(level, re, im);
  forward_pass<2>(level, re, im);
}
HWY_INLINE void inverse_level(const FusedLevel& level, float* re, float* im) {
  if (level.radix == 8) return inverse_pass<8>(level, re, im);
  if (level.radix == 4) return inverse_pass<4>(level, re, im);
  inverse_pass<2>(level, re, im);
}

#if HWY_TARGET == HWY_AVX3
HWY_INLINE V blocks_of(__m512 v) { return V{v}; }

// Transposes a 4 x 4 matrix of 128-bit blocks, and in each of them a 4 x 4 matrix of floats: two
// rounds of pairwise shuffles each, the least there is.
HWY_INLINE void transpose_blocks(V* x) {
  const __m512 low01 = _mm512_shuffle_f32x4(x[0].raw, x[1].raw, 0x44);
  const __m512 low23 = _mm512_shuffle_f32x4(x[2].raw, x[3].raw, 0x44);
  const __m512 high01 = _mm512_shuffle_f32x4(x[0].raw, x[1].raw, 0xee);
  const __m512 high23 = _mm512_shuffle_f32x4(x[2].raw, x[3].raw, 0xee);
  x[0] = blocks_of(_mm512_shuffle_f32x4(low01, low23, 0x88));
  x[1] = blocks_of(_mm512_shuffle_f32x4(low01, low23, 0xdd));
  x[2] = blocks_of(_mm512_shuffle_f32x4(high01, high23, 0x88));
  x[3] = blocks_of(_mm512_shuffle_f32x4(high01, high23, 0xdd));
}
#endif

#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2
HWY_INLINE void transpose_floats(V* x) {
  const hn::Repartition<double, D> wide;
  const auto even01 = hn::BitCast(wide, hn::InterleaveLower(kD, x[0], x[1]));
  const auto odd01 = hn::BitCast(wide, hn::InterleaveUpper(kD, x[0], x[1]));
  const auto even23 = hn::BitCast(wide, hn::InterleaveLower(kD, x[2], x[3]));
  const auto odd23 = hn::BitCast(wide, hn::InterleaveUpper(kD, x[2], x[3]));
  x[0] = hn::BitCast(kD, hn::InterleaveLower(wide, even01, even23));
  x[1] = hn::BitCast(kD, hn::InterleaveUpper(wide, even01, even23));
  x[2] = hn::BitCast(kD, hn::InterleaveLower(wide, odd01, odd23));
  x[3] = hn::BitCast(kD, hn::InterleaveUpper(wide, odd01, odd23));
}
#endif

// The innermost 64 points: kRows vectors of kLanes points transformed across the vectors, then, the
// rows transposed, along them. 4 x 16 on AVX-512, where the 16 are 4 x 4 again; 8 x 8 on AVX2.
// Spectra keep the order in which this leaves the points.
inline constexpr int kRows = kLanes == 1 ? 1 : 64 / kLanes;
struct Points {
  V re[kRows], im[kRows];
  HWY_INLINE C get(int i) const { return {re[i], im[i]}; }
  HWY_INLINE void set(int i, C v) {
    re[i] = v.re;
    im[i] = v.im;
  }
};

#if HWY_TARGET == HWY_AVX3

struct InnermostTwiddles {
  C outer[3];  // W64^(lane r), r = 1 ... 3
  C inner[3];  // W16^(lane%4 r)
  HWY_INLINE explicit InnermostTwiddles(const float* table) {
    for (int r = 0; r < 3; ++r) {
      outer[r] = load_complex(table + 32 * r, table + 32 * r + 16);
      inner[r] = load_complex(table + 96 + 32 * r, table + 96 + 32 * r + 16);
    }
  }
};

HWY_INLINE void dft_rows(Points& z, const C* twiddles) {
  C a[4] = {z.get(0), z.get(1), z.get(2), z.get(3)};
  dft4(a[0], a[1], a[2], a[3]);
  z.set(0, a[0]);
  for (int r = 1; r < 4; ++r) z.set(r, twiddles == nullptr ? a[r] : mul(a[r], twiddles[r - 1]));
}
HWY_INLINE void twiddled_dft_rows(Points& z, const C* twiddles) {
  C a[4] = {z.get(0), z.get(1), z.get(2), z.get(3)};
  twiddled_dft4(a[0], a[1], a[2], a[3], twiddles[0], twiddles[1]);
  for (int r = 0; r < 4; ++r) z.set(r, a[r]);
}

template <int kCount, class Stage>
HWY_INLINE void each(Points* z, const Stage& stage) {
  for (int i = 0; i < kCount; ++i) stage(z[i]);
}
HWY_INLINE void transpose_blocks(Points& z) {
  transpose_blocks(z.re);
  transpose_blocks(z.im);
}
HWY_INLINE void transpose_floats(Points& z) {
  transpose_floats(z.re);
  transpose_floats(z.im);
}

// Of kCount blocks at a time, stage by stage: the stages of one wait for one another, and the
// instructions of the next are further away than a core looks.
template <int kCount>
HWY_INLINE void forward_innermost(Points* z, const InnermostTwiddles& w) {
  each<kCount>(z, [&](Points& p) HWY_ATTR { dft_rows(p, w.outer); });
  each<kCount>(z, [&](Points& p) HWY_ATTR { transpose_blocks(p); });
  each<kCount>(z, [&](Points& p) HWY_ATTR { dft_rows(p, w.inner); });
  each<kCount>(z, [&](Points& p) HWY_ATTR { transpose_floats(p); });
  each<kCount>(z, [&](Points& p) HWY_ATTR { dft_rows(p, nullptr); });
}
template <int kCount>
HWY_INLINE void inverse_innermost(Points* z, const InnermostTwiddles& w) {
  each<kCount>(z, [&](Points& p) HWY_ATTR { dft_rows(p, nullptr); });
  each<kCount>(z, [&](Points& p) HWY_ATTR { transpose_floats(p); });
  each<kCount>(z, [&](Points& p) HWY_ATTR { twiddled_dft_rows(p, w.inner); });
  each<kCount>(z, [&](Points& p) HWY_ATTR { transpose_blocks(p); });
  each<kCount>(z, [&](Points& p) HWY_ATTR { twiddled_dft_rows(p, w.outer); });
}

#elif HWY_TARGET == HWY_AVX2

struct InnermostTwiddles {
  const float* table;  // W64^(lane r) at 16 r, slot 0 as in FusedLevel
  HWY_INLINE explicit InnermostTwiddles(const float* t) : table(t) {}
  HWY_INLINE C operator()(int r) const { return load_complex(table + 16 * r, table + 16 * r + 8); }
};

HWY_INLINE void transpose(V* x) {
  transpose_floats(x);
  transpose_floats(x + 4);
  for (int i = 0; i < 4; ++i) {
    const V low = hn::ConcatLowerLower(kD, x[i + 4], x[i]);
    x[i + 4] = hn::ConcatUpperUpper(kD, x[i + 4], x[i]);
    x[i] = low;
  }
}

HWY_INLINE void dft_rows(Points& z) {
  C a[8];
  for (int r = 0; r < 8; ++r) a[r] = z.get(r);
  dft8(a);
  for (int r = 0; r < 8; ++r) z.set(r, a[r]);
}

HWY_INLINE void forward_innermost(Points& z, const InnermostTwiddles& w) {
  dft_rows(z);
  for (int r = 1; r < 8; ++r) z.set(r, mul(z.get(r), w(r)));
  transpose(z.re);
  transpose(z.im);
  dft_rows(z);
}
HWY_INLINE void inverse_innermost(Points& z, const InnermostTwiddles& w) {
  dft_rows(z);
  transpose(z.re);
  transpose(z.im);
  C a[8];
  for (int r = 0; r < 8; ++r) a[r] = z.get(r);
  twiddled_dft8(a, w(1), w(0), w(2), w(4));
  for (int r = 0; r < 8; ++r) z.set(r, a[r]);
}

#else  // one point: nothing to transform

struct InnermostTwiddles {
  HWY_INLINE explicit InnermostTwiddles(const float*) {}
};
HWY_INLINE void forward_innermost(Points&, const InnermostTwiddles&) {}
HWY_INLINE void inverse_innermost(Points&, const InnermostTwiddles&) {}

#endif

#if HWY_TARGET == HWY_AVX3
inline constexpr int kTogether = 2;  // 16 registers of data, and the factors mostly from memory
#else
inline constexpr int kTogether = 1;
template <int kCount>
HWY_INLINE void forward_innermost(Points* z, const InnermostTwiddles& w) {
  for (int i = 0; i < kCount; ++i) forward_innermost(z[i], w);
}
template <int kCount>
HWY_INLINE void inverse_innermost(Points* z, const InnermostTwiddles& w) {
  for (int i = 0; i < kCount; ++i) inverse_innermost(z[i], w);
}
#endif

HWY_INLINE Points load_points(const float* re, const float* im) {
  Points z;
  for (int i = 0; i < kRows; ++i) z.set(i, load_complex(re + i * kLanes, im + i * kLanes));
  return z;
}
HWY_INLINE void store_points(const Points& z, float* re, float* im) {
  for (int i = 0; i < kRows; ++i) store_complex(z.get(i), re + i * kLanes, im + i * kLanes);
}

// A spectrum holds, per innermost block and row of it, kLanes real and kLanes imaginary parts.
HWY_INLINE C bin(const float* spectrum, int i) {
  return load_complex(spectrum + 2 * i * kLanes, spectrum + (2 * i + 1) * kLanes);
}
HWY_INLINE void set_bin(float* spectrum, int i, C v) {
  store_complex(v, spectrum + 2 * i * kLanes, spectrum + (2 * i + 1) * kLanes);
}

// Runs innermost(re, im, spectrum, count) on all innermost blocks of a block, between its forward
// and its inverse passes. Spectra have two floats per point.
template <bool kForward, bool kInverse, class Spectrum, class Innermost>
void for_innermost(const FusedPlan& plan, std::size_t depth, float* re, float* im,
                   Spectrum* spectrum, const Innermost& innermost) {
  if (depth == plan.levels.size()) return innermost(re, im, spectrum, 1);
  const FusedLevel& level = plan.levels[depth];
  if constexpr (kForward) forward_level(level, re, im);
  if (depth + 1 == plan.levels.size()) {
    innermost(re, im, spectrum, level.radix);  // neighbours
  } else {
    for (int r = 0; r < level.radix; ++r) {
      const std::int64_t at = r * level.stride;
      for_innermost<kForward, kInverse>(plan, depth + 1, re + at, im + at, spectrum + 2 * at,
                                        innermost);
    }
  }
  if constexpr (kInverse) inverse_level(level, re, im);
}

}  // namespace HWY_NAMESPACE
}  // namespace sb::fft_conv
HWY_AFTER_NAMESPACE();

#endif  // toggling guard
