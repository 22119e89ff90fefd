// A square block of kLanes<V> rows and columns, transposed in registers. Strides in floats.

template <class V>
void transpose_block(const float* from, std::int64_t from_stride, float* to,
                     std::int64_t to_stride);

template <>
inline void transpose_block<float>(const float* from, std::int64_t, float* to, std::int64_t) {
  *to = *from;
}

#if SB_ISA_SIMD > 1

template <>
inline void transpose_block<__m128>(const float* from, std::int64_t from_stride, float* to,
                                    std::int64_t to_stride) {
  __m128 r[4];
  for (int i = 0; i < 4; ++i) r[i] = _mm_loadu_ps(from + i * from_stride);
  _MM_TRANSPOSE4_PS(r[0], r[1], r[2], r[3]);
  for (int i = 0; i < 4; ++i) _mm_storeu_ps(to + i * to_stride, r[i]);
}

SB_INLINE __m256 low_pairs(__m256 a, __m256 b) {
  return _mm256_castpd_ps(_mm256_unpacklo_pd(_mm256_castps_pd(a), _mm256_castps_pd(b)));
}
SB_INLINE __m256 high_pairs(__m256 a, __m256 b) {
  return _mm256_castpd_ps(_mm256_unpackhi_pd(_mm256_castps_pd(a), _mm256_castps_pd(b)));
}

template <>
inline void transpose_block<__m256>(const float* from, std::int64_t from_stride, float* to,
                                    std::int64_t to_stride) {
  __m256 a[8], b[8];
  SB_UNROLL
  for (int i = 0; i < 8; ++i) a[i] = _mm256_loadu_ps(from + i * from_stride);
  SB_UNROLL
  for (int i = 0; i < 8; i += 2) {
    b[i] = _mm256_unpacklo_ps(a[i], a[i + 1]);
    b[i + 1] = _mm256_unpackhi_ps(a[i], a[i + 1]);
  }
  SB_UNROLL
  for (int i = 0; i < 8; i += 4) {
    a[i] = low_pairs(b[i], b[i + 2]);
    a[i + 1] = high_pairs(b[i], b[i + 2]);
    a[i + 2] = low_pairs(b[i + 1], b[i + 3]);
    a[i + 3] = high_pairs(b[i + 1], b[i + 3]);
  }
  SB_UNROLL
  for (int i = 0; i < 4; ++i) {
    _mm256_storeu_ps(to + i * to_stride, _mm256_permute2f128_ps(a[i], a[i + 4], 0x20));
    _mm256_storeu_ps(to + (i + 4) * to_stride, _mm256_permute2f128_ps(a[i], a[i + 4], 0x31));
  }
}

#endif  // SB_ISA_SIMD > 1

#if SB_ISA_SIMD == 16

SB_INLINE __m512 low_pairs(__m512 a, __m512 b) {
  return _mm512_castpd_ps(_mm512_unpacklo_pd(_mm512_castps_pd(a), _mm512_castps_pd(b)));
}
SB_INLINE __m512 high_pairs(__m512 a, __m512 b) {
  return _mm512_castpd_ps(_mm512_unpackhi_pd(_mm512_castps_pd(a), _mm512_castps_pd(b)));
}

SB_INLINE void transpose_registers(__m512 (&a)[16]) {
  __m512 b[16];
  SB_UNROLL
  for (int i = 0; i < 16; i += 2) {
    b[i] = _mm512_unpacklo_ps(a[i], a[i + 1]);
    b[i + 1] = _mm512_unpackhi_ps(a[i], a[i + 1]);
  }
  SB_UNROLL
  for (int i = 0; i < 16; i += 4) {
    a[i] = low_pairs(b[i], b[i + 2]);
    a[i + 1] = high_pairs(b[i], b[i + 2]);
    a[i + 2] = low_pairs(b[i + 1], b[i + 3]);
    a[i + 3] = high_pairs(b[i + 1], b[i + 3]);
  }
  SB_UNROLL
  for (int i = 0; i < 4; ++i) {
    b[i] = _mm512_shuffle_f32x4(a[i], a[4 + i], 0x88);
    b[4 + i] = _mm512_shuffle_f32x4(a[i], a[4 + i], 0xdd);
    b[8 + i] = _mm512_shuffle_f32x4(a[8 + i], a[12 + i], 0x88);
    b[12 + i] = _mm512_shuffle_f32x4(a[8 + i], a[12 + i], 0xdd);
  }
  SB_UNROLL
  for (int i = 0; i < 4; ++i) {
    a[i] = _mm512_shuffle_f32x4(b[i], b[8 + i], 0x88);
    a[8 + i] = _mm512_shuffle_f32x4(b[i], b[8 + i], 0xdd);
    a[4 + i] = _mm512_shuffle_f32x4(b[4 + i], b[12 + i], 0x88);
    a[12 + i] = _mm512_shuffle_f32x4(b[4 + i], b[12 + i], 0xdd);
  }
}

template <>
inline void transpose_block<__m512>(const float* from, std::int64_t from_stride, float* to,
                                    std::int64_t to_stride) {
  __m512 a[16];
  SB_UNROLL
  for (int i = 0; i < 16; ++i) a[i] = _mm512_loadu_ps(from + i * from_stride);
  transpose_registers(a);
  SB_UNROLL
  for (int i = 0; i < 16; ++i) _mm512_storeu_ps(to + i * to_stride, a[i]);
}

#endif  // SB_ISA_SIMD == 16
