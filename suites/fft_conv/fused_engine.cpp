#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "suites/fft_conv/fused_engine.cpp"
#include "backend/targets.h"
// clang-format off
#include "hwy/foreach_target.h"
// clang-format on
#include "suites/fft_conv/blocks-inl.h"
#include "suites/fft_conv/pointwise.h"
#include "suites/fft_conv/real_pass-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sb::fft_conv {
namespace HWY_NAMESPACE {

// Floats of a spectrum per innermost block.
inline constexpr std::int64_t kBins = 2 * kRows * kLanes;
inline constexpr std::int64_t kPoints = kRows * kLanes;

// Fetches in four places: a core has room for some twenty lines that are on their way, and what
// comes in one burst waits, or is dropped.
template <int kCount>
HWY_INLINE void convolve_neighbours(const InnermostTwiddles& w, float* re, float* im,
                                    const float* spectrum, Ahead& ahead) {
  const int lines = kCount * ahead.lines;
  const auto fetch_quarter = [&](int i)
                                 HWY_ATTR { fetch(ahead, lines * (i + 1) / 4 - lines * i / 4); };
  fetch_quarter(0);
  Points z[kCount];
  for (int n = 0; n < kCount; ++n) z[n] = load_points(re + n * kPoints, im + n * kPoints);
  forward_innermost<kCount>(z, w);
  fetch_quarter(1);
  for (int n = 0; n < kCount; ++n) {
    for (int i = 0; i < kRows; ++i) {
      z[n].set(i, swapped(mul(z[n].get(i), bin(spectrum + n * kBins, i))));
    }
  }
  fetch_quarter(2);
  inverse_innermost<kCount>(z, w);
  fetch_quarter(3);
  for (int n = 0; n < kCount; ++n) store_points(z[n], re + n * kPoints, im + n * kPoints);
}

HWY_NOINLINE void convolve_points(const float* table, float* re, float* im, const float* spectrum,
                                  int count, Ahead& ahead) {
  const InnermostTwiddles w(table);
  for (int block = 0; block < count;) {
    const int together = block + kTogether <= count ? kTogether : 1;
    if (together == kTogether) {
      convolve_neighbours<kTogether>(w, re, im, spectrum, ahead);
    } else {
      convolve_neighbours<1>(w, re, im, spectrum, ahead);
    }
    block += together;
    re += together * kPoints;
    im += together * kPoints;
    spectrum += together * kBins;
  }
}

HWY_NOINLINE void spectrum_points(const float* table, const float* re, const float* im,
                                  float* spectrum, int count, float scale) {
  const InnermostTwiddles w(table);
  const V factor = hn::Set(kD, scale);
  for (int block = 0; block < count; ++block) {
    Points z = load_points(re + block * kPoints, im + block * kPoints);
    forward_innermost<1>(&z, w);
    for (int i = 0; i < kRows; ++i) {
      const C v = z.get(i);
      set_bin(spectrum + block * kBins, i, {hn::Mul(v.re, factor), hn::Mul(v.im, factor)});
    }
  }
}

HWY_NOINLINE void points_of_spectrum(const float* table, float* re, float* im,
                                     const float* spectrum, int count, float scale) {
  const InnermostTwiddles w(table);
  const V factor = hn::Set(kD, scale);
  for (int block = 0; block < count; ++block) {
    Points z;
    for (int i = 0; i < kRows; ++i) {
      const C v = bin(spectrum + block * kBins, i);
      z.set(i, {hn::Mul(v.im, factor), hn::Mul(v.re, factor)});
    }
    inverse_innermost<1>(&z, w);
    store_points(z, re + block * kPoints, im + block * kPoints);
  }
}

struct GradientBlock {
  float *u_re, *u_im, *d_re, *d_im;
  const float* spectrum;
  float* sum;
};

template <bool kWithC>
HWY_NOINLINE void gradient_points(const float* table, GradientBlock g, int count, Ahead& ahead) {
  const InnermostTwiddles w(table);
  for (int block = 0; block < count; ++block) {
    fetch(ahead, ahead.lines);
    Points both[2] = {load_points(g.d_re, g.d_im), load_points(g.u_re, g.u_im)};
    forward_innermost<2>(both, w);
    auto& [d, u] = both;
    for (int i = 0; i < kRows; ++i) {
      const C k = bin(g.spectrum, i);
      set_bin(g.sum, i, add(bin(g.sum, i), mul_conj(d.get(i), u.get(i))));
      d.set(i, swapped(mul_conj(d.get(i), k)));
      if constexpr (kWithC) u.set(i, swapped(mul(u.get(i), k)));
    }
    inverse_innermost<kWithC ? 2 : 1>(both, w);
    store_points(d, g.d_re, g.d_im);
    if constexpr (kWithC) store_points(u, g.u_re, g.u_im);
    g = {g.u_re + kPoints, g.u_im + kPoints,   g.d_re + kPoints,
         g.d_im + kPoints, g.spectrum + kBins, g.sum + kBins};
  }
}

template <bool kWithC>
void gradient_block(const FusedPlan& plan, std::size_t depth, const GradientBlock& g,
                    Ahead& ahead) {
  if (depth == plan.levels.size()) return gradient_points<kWithC>(plan.innermost, g, 1, ahead);
  const FusedLevel& level = plan.levels[depth];
  forward_level(level, g.u_re, g.u_im);
  forward_level(level, g.d_re, g.d_im);
  if (depth + 1 == plan.levels.size()) {
    gradient_points<kWithC>(plan.innermost, g, level.radix, ahead);
  } else {
    for (int r = 0; r < level.radix; ++r) {
      const std::int64_t at = r * level.stride;
      gradient_block<kWithC>(
          plan, depth + 1,
          {g.u_re + at, g.u_im + at, g.d_re + at, g.d_im + at, g.spectrum + 2 * at, g.sum + 2 * at},
          ahead);
    }
  }
  inverse_level(level, g.d_re, g.d_im);
  if constexpr (kWithC) inverse_level(level, g.u_re, g.u_im);
}

// Calls f(block, spectrum offset, is own) for the blocks of some frequencies of a team. Both rows'
// blocks of one come together, while its spectrum is at hand.
template <class F>
HWY_INLINE void for_each_block(const FusedPlan& plan, float* work, int rows, FrequencyRange range,
                               const F& f) {
  const Blocks blocks(plan, work);
  for (int i = range.begin; i < range.end; ++i) {
    if (i < blocks.own) {
      for (int row = 0; row < rows; ++row) f(blocks.of_row(row, i), 2 * plan.s * i, true);
    } else {
      const int shared = i - blocks.own;
      f(shared == 0 ? blocks.zero() : blocks.half(), plan.shared_spectrum() + 2 * plan.s * shared,
        false);
    }
  }
}

void convolve(const FusedPlan& plan, float* work, const float* spectrum, int rows,
              FrequencyRange range, Ahead& ahead) {
  if (plan.contiguous && rows == 2 && range.end - range.begin == plan.frequencies()) {
    return convolve_points(plan.innermost, work, work + plan.plane, spectrum, plan.radix, ahead);
  }
  for_each_block(plan, work, rows, range, [&](float* re, std::int64_t at, bool) HWY_ATTR {
    for_innermost<true, true>(plan, 0, re, re + plan.plane, spectrum + at,
                              [&](float* r, float* i, const float* k, int count) HWY_ATTR {
                                convolve_points(plan.innermost, r, i, k, count, ahead);
                              });
  });
}

// Own frequencies stand for their conjugates as well (real_pass-inl.h), hence the 2.
HWY_INLINE float scale_of(const FusedPlan& plan, bool own) {
  return (own ? 2.0f : 1.0f) / static_cast<float>(plan.n);
}

void spectrum(const FusedPlan& plan, float* work, float* to, FrequencyRange range) {
  for_each_block(plan, work, 1, range, [&](float* re, std::int64_t at, bool own) HWY_ATTR {
    const float scale = scale_of(plan, own);
    for_innermost<true, false>(plan, 0, re, re + plan.plane, to + at,
                               [&](float* r, float* i, float* k, int count) HWY_ATTR {
                                 spectrum_points(plan.innermost, r, i, k, count, scale);
                               });
    if (own && plan.contiguous) std::copy_n(to + at, 2 * plan.s, to + at + 2 * plan.s * plan.own());
  });
}

void gradients(const FusedPlan& plan, float* u, float* d, const float* spectrum, float* sum,
               int rows, bool with_c, FrequencyRange range, Ahead& ahead) {
  for_each_block(plan, u, rows, range, [&](float* re, std::int64_t at, bool) HWY_ATTR {
    float* d_re = d + (re - u);
    const GradientBlock g{re, re + plan.plane, d_re, d_re + plan.plane, spectrum + at, sum + at};
    with_c ? gradient_block<true>(plan, 0, g, ahead) : gradient_block<false>(plan, 0, g, ahead);
  });
}

void from_spectrum(const FusedPlan& plan, const float* sum, float* work, FrequencyRange range) {
  for_each_block(plan, work, 1, range, [&](float* re, std::int64_t at, bool own) HWY_ATTR {
    const float scale = scale_of(plan, own);
    for_innermost<false, true>(plan, 0, re, re + plan.plane, sum + at,
                               [&](float* r, float* i, const float* k, int count) HWY_ATTR {
                                 points_of_spectrum(plan.innermost, r, i, k, count, scale);
                               });
  });
}

template <class T, int kRadix>
void forward_radix(const FusedPlan& plan, const TeamInput& in, float* work, std::int64_t begin,
                   std::int64_t end) {
  plan.half ? forward_real<kRadix, true, T>(plan, in, work, begin, end)
            : forward_real<kRadix, false, T>(plan, in, work, begin, end);
}
template <class T, int kRadix>
void inverse_radix(const FusedPlan& plan, float* work, const TeamOutput& out, std::int64_t begin,
                   std::int64_t end) {
  plan.half ? inverse_real<kRadix, true, T>(plan, work, out, begin, end)
            : inverse_real<kRadix, false, T>(plan, work, out, begin, end);
}

void forward(const FusedPlan& plan, Dtype dtype, const TeamInput& in, float* work,
             std::int64_t begin, std::int64_t end) {
  for_stored_type(dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    if (plan.radix == 16) return forward_radix<T, 16>(plan, in, work, begin, end);
    if (plan.radix == 8) return forward_radix<T, 8>(plan, in, work, begin, end);
    forward_radix<T, 4>(plan, in, work, begin, end);
  });
}
void inverse(const FusedPlan& plan, Dtype dtype, float* work, const TeamOutput& out,
             std::int64_t begin, std::int64_t end) {
  for_stored_type(dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    if (plan.radix == 16) return inverse_radix<T, 16>(plan, work, out, begin, end);
    if (plan.radix == 8) return inverse_radix<T, 8>(plan, work, out, begin, end);
    inverse_radix<T, 4>(plan, work, out, begin, end);
  });
}

FusedEngine engine() {
  return {static_cast<int>(kLanes), forward, inverse, convolve, spectrum, gradients, from_spectrum};
}

}  // namespace HWY_NAMESPACE
}  // namespace sb::fft_conv
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sb::fft_conv {

FusedEngine fused_engine(Isa isa) {
#if HWY_TARGETS & HWY_AVX3
  if (isa == Isa::kAvx512) return N_AVX3::engine();
#endif
#if HWY_TARGETS & HWY_AVX2
  if (isa == Isa::kAvx2) return N_AVX2::engine();
#endif
  return HWY_STATIC_DISPATCH(engine)();
}

}  // namespace sb::fft_conv
#endif
