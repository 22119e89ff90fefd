// Complex vectors and the small transforms that passes are made of, compiled once per target.
#if defined(SB_FFT_CONV_COMPLEX_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SB_FFT_CONV_COMPLEX_INL_H
#undef SB_FFT_CONV_COMPLEX_INL_H
#else
#define SB_FFT_CONV_COMPLEX_INL_H
#endif

#include "backend/stored-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sb::fft_conv {
namespace HWY_NAMESPACE {
using namespace sb::HWY_NAMESPACE;

struct C {
  V re, im;
};

HWY_INLINE C add(C a, C b) { return {hn::Add(a.re, b.re), hn::Add(a.im, b.im)}; }
HWY_INLINE C sub(C a, C b) { return {hn::Sub(a.re, b.re), hn::Sub(a.im, b.im)}; }
HWY_INLINE C mul(C a, C w) {
  return {hn::NegMulAdd(a.im, w.im, hn::Mul(a.re, w.re)),
          hn::MulAdd(a.re, w.im, hn::Mul(a.im, w.re))};
}
HWY_INLINE C mul_conj(C a, C w) {
  return {hn::MulAdd(a.im, w.im, hn::Mul(a.re, w.re)),
          hn::NegMulAdd(a.re, w.im, hn::Mul(a.im, w.re))};
}
HWY_INLINE C mul_add(C a, C w, C sum) {
  return {hn::NegMulAdd(a.im, w.im, hn::MulAdd(a.re, w.re, sum.re)),
          hn::MulAdd(a.re, w.im, hn::MulAdd(a.im, w.re, sum.im))};
}
HWY_INLINE C mul_sub(C a, C w, C from) {  // from - a w
  return {hn::MulAdd(a.im, w.im, hn::NegMulAdd(a.re, w.re, from.re)),
          hn::NegMulAdd(a.re, w.im, hn::NegMulAdd(a.im, w.re, from.im))};
}
HWY_INLINE C times_minus_i(C a) { return {a.im, hn::Neg(a.re)}; }
HWY_INLINE C swapped(C a) { return {a.im, a.re}; }

HWY_INLINE C load_complex(const float* re, const float* im) { return {load(re), load(im)}; }
HWY_INLINE void store_complex(C v, float* re, float* im) {
  store(v.re, re);
  store(v.im, im);
}

// In tables real parts of 16 columns lie before their imaginary parts (fused_plan.h).
HWY_INLINE C table_entry(const float* table, std::int64_t j, int slots, int slot) {
  const float* entry = table + (j / 16 * slots + slot) * 32 + j % 16;
  return load_complex(entry, entry + 16);
}

// (a, b) -> (a + w b, a - w b), six multiply-adds: a - w b = 2a - (a + w b) would save none here.
HWY_INLINE void butterfly(C& a, C& b, C w) {
  const C sum = mul_add(b, w, a);
  b = mul_sub(b, w, a);
  a = sum;
}

inline constexpr float kHalfRoot = 0.70710678118654752f;

HWY_INLINE void dft2(C* a) {
  const C d = sub(a[0], a[1]);
  a[0] = add(a[0], a[1]);
  a[1] = d;
}

HWY_INLINE void dft4(C& a, C& b, C& c, C& d) {
  const C s = add(a, c), t = sub(a, c), u = add(b, d), v = sub(b, d);
  a = add(s, u);
  c = sub(s, u);
  b = {hn::Add(t.re, v.im), hn::Sub(t.im, v.re)};
  d = {hn::Sub(t.re, v.im), hn::Add(t.im, v.re)};
}

// Natural order in and out.
HWY_INLINE void dft8(C* a) {
  const V h = hn::Set(kD, kHalfRoot);
  C s0 = add(a[0], a[4]), s1 = add(a[1], a[5]), s2 = add(a[2], a[6]), s3 = add(a[3], a[7]);
  const C d0 = sub(a[0], a[4]), d1 = sub(a[1], a[5]), d2 = sub(a[2], a[6]), d3 = sub(a[3], a[7]);
  dft4(s0, s1, s2, s3);
  // Of the odd outputs: d1 and d3 turned by an eighth and three, up to the factor h.
  const C e1 = {hn::Add(d1.re, d1.im), hn::Sub(d1.im, d1.re)};
  const V e3_re = hn::Sub(d3.im, d3.re), minus_e3_im = hn::Add(d3.re, d3.im);
  const C sum = {hn::Add(e1.re, e3_re), hn::Sub(e1.im, minus_e3_im)};
  const C difference = {hn::Sub(e1.re, e3_re), hn::Add(e1.im, minus_e3_im)};
  const C even = {hn::Add(d0.re, d2.im), hn::Sub(d0.im, d2.re)};
  const C odd = {hn::Sub(d0.re, d2.im), hn::Add(d0.im, d2.re)};
  a[0] = s0;
  a[2] = s1;
  a[4] = s2;
  a[6] = s3;
  a[1] = {hn::MulAdd(sum.re, h, even.re), hn::MulAdd(sum.im, h, even.im)};
  a[5] = {hn::NegMulAdd(sum.re, h, even.re), hn::NegMulAdd(sum.im, h, even.im)};
  a[3] = {hn::MulAdd(difference.im, h, odd.re), hn::NegMulAdd(difference.re, h, odd.im)};
  a[7] = {hn::NegMulAdd(difference.im, h, odd.re), hn::MulAdd(difference.re, h, odd.im)};
}

// Twiddles first, then the transform, natural order: multiply-adds do both. w1 = W^j, w2 = W^2j ...
HWY_INLINE void twiddled_dft4(C& a, C& b, C& c, C& d, C w1, C w2) {
  butterfly(a, c, w2);
  butterfly(b, d, w2);
  butterfly(a, b, w1);
  const C turned = times_minus_i(w1);
  butterfly(c, d, turned);
  const C third = b;  // outputs 0, 2, 1, 3 -> 0, 1, 2, 3
  b = c;
  c = third;
}

// w1_8 = W^j exp(-pi i/4)
HWY_INLINE void twiddled_dft8(C* a, C w1, C w1_8, C w2, C w4) {
  C e[4] = {a[0], a[2], a[4], a[6]};
  C o[4] = {a[1], a[3], a[5], a[7]};
  twiddled_dft4(e[0], e[1], e[2], e[3], w2, w4);
  twiddled_dft4(o[0], o[1], o[2], o[3], w2, w4);
  butterfly(e[0], o[0], w1);
  butterfly(e[1], o[1], w1_8);
  butterfly(e[2], o[2], times_minus_i(w1));
  butterfly(e[3], o[3], times_minus_i(w1_8));
  for (int q = 0; q < 4; ++q) {
    a[q] = e[q];
    a[q + 4] = o[q];
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace sb::fft_conv
HWY_AFTER_NAMESPACE();

#endif  // toggling guard
