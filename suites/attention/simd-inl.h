// One register of floats, as overloads on the register type V: __m512, __m256, __m128, or float.
// Included inside a region (see for_each_isa.h). Wide is the region's widest register, Narrow half
// of it: the last panel of at most kLanes<Narrow> query rows uses it.

template <class V>
inline constexpr int kLanes = sizeof(V) / sizeof(float);

template <class V>
V load(const float* p);
template <class V>
V broadcast(float x);

template <>
SB_INLINE float load<float>(const float* p) {
  return *p;
}
template <>
SB_INLINE float broadcast<float>(float x) {
  return x;
}
SB_INLINE void store(float* p, float v) { *p = v; }
SB_INLINE float fma(float a, float b, float c) { return a * b + c; }
SB_INLINE float fms(float a, float b, float c) { return a * b - c; }
SB_INLINE float add(float a, float b) { return a + b; }
SB_INLINE float sub(float a, float b) { return a - b; }
SB_INLINE float mul(float a, float b) { return a * b; }
// The second operand if either is NaN, as the instruction does.
SB_INLINE float max(float a, float b) { return a > b ? a : b; }
SB_INLINE float round_up(float x) { return std::ceil(x); }
SB_INLINE float sum_of(float v) { return v; }
SB_INLINE float max_of(float v) { return v; }
// v, with the first `count` lanes replaced by -inf.
SB_INLINE float mask_first(float v, std::int64_t count) { return count > 0 ? -INFINITY : v; }

#if SB_ISA_SIMD > 1

template <>
SB_INLINE __m128 load<__m128>(const float* p) {
  return _mm_loadu_ps(p);
}
template <>
SB_INLINE __m256 load<__m256>(const float* p) {
  return _mm256_loadu_ps(p);
}
template <>
SB_INLINE __m128 broadcast<__m128>(float x) {
  return _mm_set1_ps(x);
}
template <>
SB_INLINE __m256 broadcast<__m256>(float x) {
  return _mm256_set1_ps(x);
}
SB_INLINE void store(float* p, __m128 v) { _mm_storeu_ps(p, v); }
SB_INLINE void store(float* p, __m256 v) { _mm256_storeu_ps(p, v); }
SB_INLINE __m128 fma(__m128 a, __m128 b, __m128 c) { return _mm_fmadd_ps(a, b, c); }
SB_INLINE __m256 fma(__m256 a, __m256 b, __m256 c) { return _mm256_fmadd_ps(a, b, c); }
SB_INLINE __m128 fms(__m128 a, __m128 b, __m128 c) { return _mm_fmsub_ps(a, b, c); }
SB_INLINE __m256 fms(__m256 a, __m256 b, __m256 c) { return _mm256_fmsub_ps(a, b, c); }
SB_INLINE __m128 add(__m128 a, __m128 b) { return _mm_add_ps(a, b); }
SB_INLINE __m256 add(__m256 a, __m256 b) { return _mm256_add_ps(a, b); }
SB_INLINE __m128 sub(__m128 a, __m128 b) { return _mm_sub_ps(a, b); }
SB_INLINE __m256 sub(__m256 a, __m256 b) { return _mm256_sub_ps(a, b); }
SB_INLINE __m128 mul(__m128 a, __m128 b) { return _mm_mul_ps(a, b); }
SB_INLINE __m256 mul(__m256 a, __m256 b) { return _mm256_mul_ps(a, b); }
SB_INLINE __m128 max(__m128 a, __m128 b) { return _mm_max_ps(a, b); }
SB_INLINE __m256 max(__m256 a, __m256 b) { return _mm256_max_ps(a, b); }
SB_INLINE __m128 round_up(__m128 x) { return _mm_ceil_ps(x); }
SB_INLINE __m256 round_up(__m256 x) { return _mm256_ceil_ps(x); }

SB_INLINE float sum_of(__m128 v) {
  const __m128 pairs = _mm_add_ps(v, _mm_movehl_ps(v, v));
  return _mm_cvtss_f32(_mm_add_ss(pairs, _mm_movehdup_ps(pairs)));
}
SB_INLINE float max_of(__m128 v) {
  const __m128 pairs = _mm_max_ps(v, _mm_movehl_ps(v, v));
  return _mm_cvtss_f32(_mm_max_ss(pairs, _mm_movehdup_ps(pairs)));
}
SB_INLINE float sum_of(__m256 v) {
  return sum_of(_mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1)));
}
SB_INLINE float max_of(__m256 v) {
  return max_of(_mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1)));
}

SB_INLINE __m128 mask_first(__m128 v, std::int64_t count) {
  const int n = static_cast<int>(std::clamp<std::int64_t>(count, 0, 4));
  const __m128i hidden = _mm_cmplt_epi32(_mm_setr_epi32(0, 1, 2, 3), _mm_set1_epi32(n));
  return _mm_blendv_ps(v, _mm_set1_ps(-INFINITY), _mm_castsi128_ps(hidden));
}
SB_INLINE __m256 mask_first(__m256 v, std::int64_t count) {
  const int n = static_cast<int>(std::clamp<std::int64_t>(count, 0, 8));
  const __m256i hidden =
      _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  return _mm256_blendv_ps(v, _mm256_set1_ps(-INFINITY), _mm256_castsi256_ps(hidden));
}

#endif  // SB_ISA_SIMD > 1

#if SB_ISA_SIMD == 16

template <>
SB_INLINE __m512 load<__m512>(const float* p) {
  return _mm512_loadu_ps(p);
}
template <>
SB_INLINE __m512 broadcast<__m512>(float x) {
  return _mm512_set1_ps(x);
}
SB_INLINE void store(float* p, __m512 v) { _mm512_storeu_ps(p, v); }
SB_INLINE __m512 fma(__m512 a, __m512 b, __m512 c) { return _mm512_fmadd_ps(a, b, c); }
SB_INLINE __m512 fms(__m512 a, __m512 b, __m512 c) { return _mm512_fmsub_ps(a, b, c); }
SB_INLINE __m512 add(__m512 a, __m512 b) { return _mm512_add_ps(a, b); }
SB_INLINE __m512 sub(__m512 a, __m512 b) { return _mm512_sub_ps(a, b); }
SB_INLINE __m512 mul(__m512 a, __m512 b) { return _mm512_mul_ps(a, b); }
SB_INLINE __m512 max(__m512 a, __m512 b) { return _mm512_max_ps(a, b); }
SB_INLINE __m512 round_up(__m512 x) {
  return _mm512_roundscale_ps(x, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC);
}
SB_INLINE float sum_of(__m512 v) {
  return sum_of(_mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1)));
}
SB_INLINE float max_of(__m512 v) {
  return max_of(_mm256_max_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1)));
}
SB_INLINE __m512 mask_first(__m512 v, std::int64_t count) {
  const auto n = static_cast<unsigned>(std::clamp<std::int64_t>(count, 0, 16));
  return _mm512_mask_mov_ps(v, static_cast<__mmask16>((1u << n) - 1), _mm512_set1_ps(-INFINITY));
}

using Wide = __m512;
using Narrow = __m256;

#elif SB_ISA_SIMD == 8

using Wide = __m256;
using Narrow = __m128;

#else

using Wide = float;
using Narrow = float;

#endif

// 2^f on [0, 1), minimax in relative error (8.3e-8) with the value at 0 held at 1 exactly.
template <class V>
SB_INLINE V exp2_fraction(V f) {
  V p = broadcast<V>(1.867130072e-3f);
  p = fma(p, f, broadcast<V>(9.017030316e-3f));
  p = fma(p, f, broadcast<V>(5.579991311e-2f));
  p = fma(p, f, broadcast<V>(2.401644502e-1f));
  p = fma(p, f, broadcast<V>(6.931513118e-1f));
  return fma(p, f, broadcast<V>(1.0f));
}

// The same with three terms (8.6e-5): enough before a weight is rounded to bf16 (3.9e-3).
template <class V>
SB_INLINE V exp2_fraction_short(V f) {
  V p = broadcast<V>(7.706704200e-2f);
  p = fma(p, f, broadcast<V>(2.276449912e-1f));
  p = fma(p, f, broadcast<V>(6.951167864e-1f));
  return fma(p, f, broadcast<V>(1.0f));
}

template <bool kShort, class V>
SB_INLINE V exp2_polynomial(V f) {
  if constexpr (kShort) return exp2_fraction_short(f);
  return exp2_fraction(f);
}

// 2^x for x <= about 1; 0 for -inf and below the range; a NaN stays a NaN. Two instructions split
// off and put back the integer part where AVX-512 has them for it.
template <bool kShort = false>
SB_INLINE float exp2(float x) {
  x = max(-127.0f, x);
  const float n = std::floor(x);
  const float p = exp2_polynomial<kShort>(x - n);
  if (std::isnan(p)) return p;
  std::uint32_t bits;  // modulo 2^32: unified_max does rows with scores far above its maximum again
  std::memcpy(&bits, &p, sizeof bits);
  bits += static_cast<std::uint32_t>(static_cast<std::int32_t>(n)) << 23;
  float result;
  std::memcpy(&result, &bits, sizeof result);
  return result;
}

#if SB_ISA_SIMD == 16

template <bool kShort = false>
SB_INLINE __m128 exp2(__m128 x) {
  const __m128 f = _mm_reduce_ps(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
  return _mm_scalef_ps(exp2_polynomial<kShort>(f), x);
}
template <bool kShort = false>
SB_INLINE __m256 exp2(__m256 x) {
  const __m256 f = _mm256_reduce_ps(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
  return _mm256_scalef_ps(exp2_polynomial<kShort>(f), x);
}
template <bool kShort = false>
SB_INLINE __m512 exp2(__m512 x) {
  const __m512 f = _mm512_reduce_ps(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
  return _mm512_scalef_ps(exp2_polynomial<kShort>(f), x);
}

#elif SB_ISA_SIMD == 8

// The clamp at -127 leaves an exponent of exactly 0 there; NaN survives as max's second operand.
template <bool kShort = false>
SB_INLINE __m128 exp2(__m128 x) {
  x = max(_mm_set1_ps(-127.0f), x);
  const __m128 n = _mm_floor_ps(x);
  const __m128i p = _mm_castps_si128(exp2_polynomial<kShort>(sub(x, n)));
  return _mm_castsi128_ps(_mm_add_epi32(p, _mm_slli_epi32(_mm_cvtps_epi32(n), 23)));
}
template <bool kShort = false>
SB_INLINE __m256 exp2(__m256 x) {
  x = max(_mm256_set1_ps(-127.0f), x);
  const __m256 n = _mm256_floor_ps(x);
  const __m256i p = _mm256_castps_si256(exp2_polynomial<kShort>(sub(x, n)));
  return _mm256_castsi256_ps(_mm256_add_epi32(p, _mm256_slli_epi32(_mm256_cvtps_epi32(n), 23)));
}

#endif
