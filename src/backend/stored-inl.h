// Vectors of floats from and to memory of any storage type, compiled once per instruction set. A
// family's region takes the names in with `using namespace sb::HWY_NAMESPACE`.
#if defined(SB_BACKEND_STORED_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SB_BACKEND_STORED_INL_H
#undef SB_BACKEND_STORED_INL_H
#else
#define SB_BACKEND_STORED_INL_H
#endif

#include <cstdint>
#include <cstring>

#include "backend/stored.h"
#include "hwy/cache_control.h"
#include "hwy/highway.h"
#if HWY_ARCH_X86
#include <emmintrin.h>
#endif

HWY_BEFORE_NAMESPACE();
namespace sb::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// One lane for the baseline target: it stands for "scalar" (backend/targets.h).
using D = hn::CappedTag<float, HWY_TARGET == HWY_STATIC_TARGET ? 1 : 64>;
using V = hn::Vec<D>;
inline constexpr D kD{};
inline constexpr hn::RebindToSigned<D> kDI{};
inline constexpr hn::RebindToUnsigned<D> kDU{};
inline constexpr hn::Rebind<std::uint16_t, D> kDU16{};
inline constexpr hn::Rebind<hwy::float16_t, D> kDF16{};
inline constexpr std::int64_t kLanes = static_cast<std::int64_t>(hn::MaxLanes(D()));

HWY_INLINE V load(const float* from) { return hn::LoadU(kD, from); }

HWY_INLINE V load(const Bf16* from) {
  if constexpr (kLanes == 1) {
    return hn::Set(kD, bf16_to_float(from->bits));
  } else {
    const auto bits = hn::PromoteTo(kDU, hn::LoadU(kDU16, &from->bits));
    return hn::BitCast(kD, hn::ShiftLeft<16>(bits));
  }
}

HWY_INLINE V load(const F16* from) {
  if constexpr (kLanes == 1) {
    return hn::Set(kD, f16_to_float(from->bits));
  } else {
    return hn::PromoteTo(kD, hn::LoadU(kDF16, reinterpret_cast<const hwy::float16_t*>(from)));
  }
}

// With kStream past the caches: the line is not read first and stays nowhere, and the address must
// be aligned to the vector.
template <bool kStream = false>
HWY_INLINE void store(V v, float* to) {
  if constexpr (!kStream) {
    hn::StoreU(v, kD, to);
  } else if constexpr (kLanes > 1) {
    hn::Stream(v, kD, to);
  } else {
#if HWY_ARCH_X86  // Highway's scalar target stores the ordinary way
    std::int32_t bits;
    const float value = hn::GetLane(v);
    std::memcpy(&bits, &value, sizeof bits);
    _mm_stream_si32(reinterpret_cast<int*>(to), bits);
#else
    hn::StoreU(v, kD, to);
#endif
  }
}

template <bool kStream, class Halves>
HWY_INLINE void store_halves(Halves v, std::uint16_t* to) {
  if constexpr (kStream) {
    hn::Stream(v, kDU16, to);
  } else {
    hn::StoreU(v, kDU16, to);
  }
}

// To the nearest, ties to even: just under half an ulp, and one more if the kept part is odd. No
// NaN that arithmetic makes has a payload that the carry turns over.
template <bool kStream = false>
HWY_INLINE void store(V v, Bf16* to) {
  if constexpr (kLanes == 1) {
    to->bits = float_to_bf16(hn::GetLane(v));
  } else {
    const auto bits = hn::BitCast(kDU, v);
    const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(kDU, 1));
    const auto rounded = hn::Add(bits, hn::Add(odd, hn::Set(kDU, 0x7fff)));
    const auto high = hn::BitCast(kDI, hn::ShiftRight<16>(rounded));
    store_halves<kStream>(hn::DemoteTo(kDU16, high), &to->bits);
  }
}

template <bool kStream = false>
HWY_INLINE void store(V v, F16* to) {
  if constexpr (kLanes == 1) {
    to->bits = float_to_f16(hn::GetLane(v));
  } else {
    store_halves<kStream>(hn::BitCast(kDU16, hn::DemoteTo(kDF16, v)), &to->bits);
  }
}

}  // namespace sb::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // toggling guard
