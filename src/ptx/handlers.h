// How handlers are made from functions of values: one function template, all its types.
#pragma once

#include <type_traits>

#include "ptx/assemble.h"

namespace sb::ptx {

template <typename T>
constexpr Type type_of() {
  if constexpr (std::is_same_v<T, float>) return Type::kF32;
  if constexpr (std::is_same_v<T, double>) return Type::kF64;
  if constexpr (std::is_same_v<T, bool>) return Type::kPred;
  constexpr bool kSigned = std::is_signed_v<T>;
  if constexpr (sizeof(T) == 1) return kSigned ? Type::kS8 : Type::kU8;
  if constexpr (sizeof(T) == 2) return kSigned ? Type::kS16 : Type::kU16;
  if constexpr (sizeof(T) == 4) return kSigned ? Type::kS32 : Type::kU32;
  return kSigned ? Type::kS64 : Type::kU64;
}

// slot 0 = F::of(slots 1 ... kInputs), all of type T.
template <typename F, int kInputs, typename T>
void apply(Frame& frame, const Instruction& i) {
  const T a = get<T>(frame, i.slots[1]);
  if constexpr (kInputs == 1) {
    put<T>(frame, i.slots[0], F::of(a));
  } else {
    const T b = get<T>(frame, i.slots[2]);
    if constexpr (kInputs == 2) {
      put<T>(frame, i.slots[0], F::of(a, b));
    } else {
      put<T>(frame, i.slots[0], F::of(a, b, get<T>(frame, i.slots[3])));
    }
  }
}

// The handler for `type` among Ts; null if it is none of them.
template <typename F, int kInputs, typename... Ts>
Execute for_type(Type type) {
  Execute found = nullptr;
  (void)((type == type_of<Ts>() && (found = &apply<F, kInputs, Ts>, true)) || ...);
  return found;
}

template <typename F, int kInputs>
Execute for_integers(Type type) {
  return for_type<F, kInputs, std::int16_t, std::uint16_t, std::int32_t, std::uint32_t,
                  std::int64_t, std::uint64_t>(type);
}
template <typename F, int kInputs>
Execute for_floats(Type type) {
  return for_type<F, kInputs, float, double>(type);
}

// Integer arithmetic wraps around.
template <typename T>
using Unsigned = std::conditional_t<sizeof(T) == 2, unsigned, std::make_unsigned_t<T>>;

}  // namespace sb::ptx
