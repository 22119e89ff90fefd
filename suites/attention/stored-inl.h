// A register of floats from memory of any storage type. Included inside a region.

struct Bf16 {
  std::uint16_t bits;
};
struct F16 {
  std::uint16_t bits;
};

SB_INLINE Wide load_stored(const float* p) { return load<Wide>(p); }

#if SB_ISA_SIMD == 16
SB_INLINE Wide load_stored(const Bf16* p) {
  const __m512i bits = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i*)p));
  return _mm512_castsi512_ps(_mm512_slli_epi32(bits, 16));
}
SB_INLINE Wide load_stored(const F16* p) {
  return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i*)p));
}
#elif SB_ISA_SIMD == 8
SB_INLINE Wide load_stored(const Bf16* p) {
  const __m256i bits = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i*)p));
  return _mm256_castsi256_ps(_mm256_slli_epi32(bits, 16));
}
SB_INLINE Wide load_stored(const F16* p) {
  return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i*)p));
}
#else
SB_INLINE Wide load_stored(const Bf16* p) { return bf16_to_float(p->bits); }
SB_INLINE Wide load_stored(const F16* p) { return f16_to_float(p->bits); }
#endif

// The first `count` elements, zeros behind them.
template <class T>
SB_INLINE Wide load_stored_part(const T* p, int count) {
  T padded[kLanes<Wide>] = {};
  std::copy_n(p, count, padded);
  return load_stored(padded);
}

// Calls f with a null pointer of the storage type.
template <class F>
SB_INLINE void for_stored_type(Dtype dtype, F&& f) {
  if (dtype == Dtype::kBf16) return f(static_cast<const Bf16*>(nullptr));
  if (dtype == Dtype::kF16) return f(static_cast<const F16*>(nullptr));
  return f(static_cast<const float*>(nullptr));
}
