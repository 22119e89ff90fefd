// cvt: between integers, floats and halves. PTX ISA, "data movement and conversion": cvt.
#include <bit>
#include <cmath>
#include <limits>

#include "core/dtype.h"
#include "ptx/handlers.h"

namespace sb::ptx {
namespace {

// Stands for .f16 and .bf16, whose values are their bits.
struct F16 {
  std::uint16_t bits;
};
struct Bf16 {
  std::uint16_t bits;
};

enum Rounding { kNearest, kToZero, kDown, kUp };

double as_double(float x) { return double{x}; }
double as_double(double x) { return x; }
double as_double(F16 x) { return double{f16_to_float(x.bits)}; }
double as_double(Bf16 x) { return double{std::bit_cast<float>(std::uint32_t{x.bits} << 16)}; }

double rounded(double x, int rounding) {
  switch (rounding) {
    case kToZero:
      return std::trunc(x);
    case kDown:
      return std::floor(x);
    case kUp:
      return std::ceil(x);
    default:
      return std::nearbyint(x);
  }
}

// To an integer: NaN is 0, too large is the largest.
template <typename To>
To to_integer(double x) {
  using Limits = std::numeric_limits<To>;
  if (std::isnan(x)) return 0;
  if (x <= static_cast<double>(Limits::min())) return Limits::min();
  if (x >= static_cast<double>(Limits::max())) return Limits::max();
  return static_cast<To>(x);
}

template <typename To, typename From>
void to_integer_of(Frame& frame, const Instruction& i) {
  put(frame, i.slots[0],
      to_integer<To>(rounded(as_double(get<From>(frame, i.slots[1])), i.detail)));
}

// Integers are cut or extended by their own sign.
template <typename To, typename From>
void integer_to_integer(Frame& frame, const Instruction& i) {
  put(frame, i.slots[0], static_cast<To>(get<From>(frame, i.slots[1])));
}
template <typename To, typename From>
void integer_to_float(Frame& frame, const Instruction& i) {
  put(frame, i.slots[0], static_cast<To>(get<From>(frame, i.slots[1])));
}

// float <-> double, and .sat: to [0, 1], NaN to 0.
template <typename To, typename From>
void float_to_float(Frame& frame, const Instruction& i) {
  put(frame, i.slots[0], static_cast<To>(as_double(get<From>(frame, i.slots[1]))));
}
void saturate(Frame& frame, const Instruction& i) {
  put(frame, i.slots[0], std::fmin(std::fmax(get<float>(frame, i.slots[1]), 0.0f), 1.0f));
}
// cvt.rni.f32.f32 and its like.
void round_float(Frame& frame, const Instruction& i) {
  put(frame, i.slots[0],
      static_cast<float>(rounded(double{get<float>(frame, i.slots[1])}, i.detail)));
}

void to_f16(Frame& frame, const Instruction& i) {
  put(frame, i.slots[0], float_to_f16(get<float>(frame, i.slots[1])));
}
void to_bf16(Frame& frame, const Instruction& i) {
  put(frame, i.slots[0], float_to_bf16(get<float>(frame, i.slots[1])));
}
// cvt.rn.f16x2.f32 d, a, b: a goes to the upper half.
template <std::uint16_t (*kNarrow)(float)>
void to_pair(Frame& frame, const Instruction& i) {
  const std::uint32_t high = kNarrow(get<float>(frame, i.slots[1]));
  put(frame, i.slots[0], high << 16 | kNarrow(get<float>(frame, i.slots[2])));
}
std::uint16_t f16_of(float x) { return float_to_f16(x); }
std::uint16_t bf16_of(float x) { return float_to_bf16(x); }

template <typename F>
bool with_integer(Type type, F f) {
  switch (type) {
    case Type::kU8:
      return f(std::uint8_t{}), true;
    case Type::kS8:
      return f(std::int8_t{}), true;
    case Type::kU16:
      return f(std::uint16_t{}), true;
    case Type::kS16:
      return f(std::int16_t{}), true;
    case Type::kU32:
      return f(std::uint32_t{}), true;
    case Type::kS32:
      return f(std::int32_t{}), true;
    case Type::kU64:
      return f(std::uint64_t{}), true;
    case Type::kS64:
      return f(std::int64_t{}), true;
    default:
      return false;
  }
}
template <typename F>
bool with_float(Type type, F f) {
  switch (type) {
    case Type::kF32:
      return f(float{}), true;
    case Type::kF64:
      return f(double{}), true;
    case Type::kF16:
      return f(F16{}), true;
    case Type::kBf16:
      return f(Bf16{}), true;
    default:
      return false;
  }
}

Execute from_integer(Type to, Type from) {
  Execute found = nullptr;
  with_integer(from, [&](auto source) {
    using From = decltype(source);
    with_integer(to, [&](auto target) { found = &integer_to_integer<decltype(target), From>; });
    if (to == Type::kF32) found = &integer_to_float<float, From>;
    if (to == Type::kF64) found = &integer_to_float<double, From>;
  });
  return found;
}

Execute from_float(Type to, Type from) {
  Execute found = nullptr;
  with_float(from, [&](auto source) {
    using From = decltype(source);
    with_integer(to, [&](auto target) { found = &to_integer_of<decltype(target), From>; });
    if (to == Type::kF32) found = &float_to_float<float, From>;
    if (to == Type::kF64) found = &float_to_float<double, From>;
  });
  if (from == Type::kF32 && to == Type::kF16) found = &to_f16;
  if (from == Type::kF32 && to == Type::kBf16) found = &to_bf16;
  if (from == Type::kF32 && to == Type::kF16x2) found = &to_pair<f16_of>;
  if (from == Type::kF32 && to == Type::kBf16x2) found = &to_pair<bf16_of>;
  return found;
}

bool bind_cvt(Modifiers& m, Instruction& i) {
  constexpr std::string_view kToInteger[] = {"rni", "rzi", "rmi", "rpi"};
  const Type to = m.take_type(), from = m.take_type();
  const auto rounding = m.take_one_of(kToInteger);
  i.detail = rounding.value_or(kNearest);
  m.take("rn");  // what is left as .rz, .rm or .rp is refused
  if (to == Type::kF32 && from == Type::kF32) {
    if (m.take("sat")) {
      i.execute = &saturate;
    } else if (rounding) {
      i.execute = &round_float;
    }
    return true;
  }
  i.execute = from_integer(to, from);
  if (i.execute == nullptr) i.execute = from_float(to, from);
  return true;
}

}  // namespace

std::span<const Opcode> conversion_opcodes() {
  static constexpr Opcode kTable[] = {{"cvt", bind_cvt, 2, 3}};
  return kTable;
}

}  // namespace sb::ptx
