// Rows of any storage type to floats and back.

SB_INLINE const void* element(Dtype dtype, const void* base, std::int64_t i) {
  return static_cast<const char*>(base) + i * static_cast<std::int64_t>(size_of(dtype));
}
SB_INLINE void* element(Dtype dtype, void* base, std::int64_t i) {
  return static_cast<char*>(base) + i * static_cast<std::int64_t>(size_of(dtype));
}

#if SB_ISA_SIMD == 16
SB_INLINE void widen_bf16_16(const std::uint16_t* from, float* to) {
  const __m512i bits = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i*)from));
  _mm512_storeu_si512(to, _mm512_slli_epi32(bits, 16));
}
SB_INLINE void widen_f16_16(const std::uint16_t* from, float* to) {
  _mm512_storeu_ps(to, _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i*)from)));
}
SB_INLINE void narrow_f16_16(const float* from, std::uint16_t* to) {
  _mm256_storeu_si256((__m256i*)to, _mm512_cvtps_ph(_mm512_loadu_ps(from), 0));
}
#elif SB_ISA_SIMD == 8
SB_INLINE void widen_bf16_16(const std::uint16_t* from, float* to) {
  for (int half = 0; half < 16; half += 8) {
    const __m256i bits = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i*)(from + half)));
    _mm256_storeu_si256((__m256i*)(to + half), _mm256_slli_epi32(bits, 16));
  }
}
SB_INLINE void widen_f16_16(const std::uint16_t* from, float* to) {
  for (int half = 0; half < 16; half += 8) {
    _mm256_storeu_ps(to + half, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i*)(from + half))));
  }
}
SB_INLINE void narrow_f16_16(const float* from, std::uint16_t* to) {
  for (int half = 0; half < 16; half += 8) {
    _mm_storeu_si128((__m128i*)(to + half), _mm256_cvtps_ph(_mm256_loadu_ps(from + half), 0));
  }
}
#endif

inline void widen_row(Dtype dtype, const void* source, float* to, std::int64_t count) {
  if (dtype == Dtype::kF32) {
    std::memcpy(to, source, static_cast<std::size_t>(count) * sizeof(float));
    return;
  }
  const auto* from = static_cast<const std::uint16_t*>(source);
  std::int64_t i = 0;
#if SB_ISA_SIMD > 1
  for (; i + 16 <= count; i += 16) {
    dtype == Dtype::kBf16 ? widen_bf16_16(from + i, to + i) : widen_f16_16(from + i, to + i);
  }
#endif
  for (; i < count; ++i) {
    to[i] = dtype == Dtype::kBf16 ? bf16_to_float(from[i]) : f16_to_float(from[i]);
  }
}

inline void widen_rows(Dtype dtype, const Rows<const void*>& from, std::int64_t count, int d,
                       float* to, std::int64_t to_stride) {
  for (std::int64_t j = 0; j < count; ++j) {
    widen_row(dtype, element(dtype, from.data, j * from.stride), to + j * to_stride, d);
  }
}

inline void narrow_row(Dtype dtype, const float* from, void* target, std::int64_t count) {
  if (dtype == Dtype::kF32) {
    std::memcpy(target, from, static_cast<std::size_t>(count) * sizeof(float));
    return;
  }
  auto* to = static_cast<std::uint16_t*>(target);
  std::int64_t i = 0;
#if SB_ISA_SIMD > 1
  if (dtype == Dtype::kF16) {
    for (; i + 16 <= count; i += 16) narrow_f16_16(from + i, to + i);
  }
#endif
  for (; i < count; ++i) {
    to[i] = dtype == Dtype::kBf16 ? float_to_bf16(from[i]) : float_to_f16(from[i]);
  }
}
