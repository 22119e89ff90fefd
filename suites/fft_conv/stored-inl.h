// Vectors of floats from and to rows of any storage type, compiled once per instruction set.
#if defined(SB_FFT_CONV_STORED_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SB_FFT_CONV_STORED_INL_H
#undef SB_FFT_CONV_STORED_INL_H
#else
#define SB_FFT_CONV_STORED_INL_H
#endif

#include <cstdint>
#include <cstring>

#include "core/dtype.h"
#include "hwy/cache_control.h"
#include "hwy/highway.h"
#include "suites/fft_conv/pointwise.h"

HWY_BEFORE_NAMESPACE();
namespace sb::fft_conv {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// One lane for the baseline target, which stands for "scalar" (backend/targets.h).
using D = hn::CappedTag<float, HWY_TARGET == HWY_STATIC_TARGET ? 1 : 16>;
using V = hn::Vec<D>;
inline constexpr D kD{};
inline constexpr std::int64_t kLanes = static_cast<std::int64_t>(hn::MaxLanes(D()));
inline constexpr hn::RebindToUnsigned<D> kDWord{};
inline constexpr hn::RebindToSigned<D> kDInt{};
inline constexpr hn::Rebind<std::uint16_t, D> kDHalf{};
inline constexpr hn::Rebind<hwy::float16_t, D> kDF16{};

HWY_INLINE V load(const float* from) { return hn::LoadU(kD, from); }

HWY_INLINE V load(const Bf16* from) {
  if constexpr (kLanes == 1) {
    return hn::Set(kD, bf16_to_float(from->bits));
  } else {
    return hn::BitCast(kD,
                       hn::ShiftLeft<16>(hn::PromoteTo(kDWord, hn::LoadU(kDHalf, &from->bits))));
  }
}

HWY_INLINE V load(const F16* from) {
  if constexpr (kLanes == 1) {
    return hn::Set(kD, f16_to_float(from->bits));
  } else {
    const auto* halves = reinterpret_cast<const hwy::float16_t*>(from);
    return hn::PromoteTo(kD, hn::LoadU(kDF16, halves));
  }
}

// A streaming store leaves no line in any cache and does not read the line first; it needs an
// aligned address.
enum class Stores { kOrdinary, kStreaming };

template <Stores kStores, class DTag, class Vector, class T>
HWY_INLINE void put(DTag d, Vector v, T* to) {
  if constexpr (kStores == Stores::kStreaming && kLanes > 1) {
    hn::Stream(v, d, to);
  } else {
    hn::StoreU(v, d, to);
  }
}

template <Stores kStores = Stores::kOrdinary>
HWY_INLINE void store(V v, float* to) {
  put<kStores>(kD, v, to);
}

// To nearest, ties to even: add just under half an ulp, and one more if the kept part is odd.
template <Stores kStores = Stores::kOrdinary>
HWY_INLINE void store(V v, Bf16* to) {
  if constexpr (kLanes == 1) {
    to->bits = float_to_bf16(hn::GetLane(v));
  } else {
    const auto word = hn::BitCast(kDWord, v);
    const auto odd = hn::And(hn::ShiftRight<16>(word), hn::Set(kDWord, 1));
    const auto rounded = hn::Add(hn::Add(word, hn::Set(kDWord, 0x7fff)), odd);
    const auto kept = hn::BitCast(kDInt, hn::ShiftRight<16>(rounded));
    put<kStores>(kDHalf, hn::DemoteTo(kDHalf, kept), &to->bits);
  }
}

template <Stores kStores = Stores::kOrdinary>
HWY_INLINE void store(V v, F16* to) {
  if constexpr (kLanes == 1) {
    to->bits = float_to_f16(hn::GetLane(v));
  } else {
    put<kStores>(kDHalf, hn::BitCast(kDHalf, hn::DemoteTo(kDF16, v)), &to->bits);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace sb::fft_conv
HWY_AFTER_NAMESPACE();

#endif  // toggling guard
