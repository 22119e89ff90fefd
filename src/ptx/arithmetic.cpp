// add, sub, mul, mad, fma, div, rem, min, max, neg, abs and the approximations. PTX ISA, "integer
// arithmetic" and "floating point". Approximate instructions give the exactly rounded result: their
// error on a GPU is not modelled.
#include <cmath>
#include <limits>

#include "ptx/handlers.h"

namespace sb::ptx {
namespace {

struct Add {
  template <typename T>
  static T of(T a, T b) {
    if constexpr (std::is_integral_v<T>) {
      return static_cast<T>(Unsigned<T>(a) + Unsigned<T>(b));
    } else {
      return a + b;
    }
  }
};
struct Sub {
  template <typename T>
  static T of(T a, T b) {
    if constexpr (std::is_integral_v<T>) {
      return static_cast<T>(Unsigned<T>(a) - Unsigned<T>(b));
    } else {
      return a - b;
    }
  }
};
struct Mul {
  template <typename T>
  static T of(T a, T b) {
    if constexpr (std::is_integral_v<T>) {
      return static_cast<T>(Unsigned<T>(a) * Unsigned<T>(b));
    } else {
      return a * b;
    }
  }
};
struct MulHigh {
  template <typename T>
  static T of(T a, T b) {
    using Wide = std::conditional_t<std::is_signed_v<T>, __int128, unsigned __int128>;
    return static_cast<T>((Wide(a) * Wide(b)) >> (8 * sizeof(T)));
  }
};
struct MadLow {
  template <typename T>
  static T of(T a, T b, T c) {
    return Add::of(Mul::of(a, b), c);
  }
};
struct Fma {
  template <typename T>
  static T of(T a, T b, T c) {
    return std::fma(a, b, c);
  }
};
// Rounded towards -infinity. The product of two floats is exact in double; the sum's error is
// found by Knuth's two-sum.
struct FmaDown {
  static float of(float a, float b, float c) {
    const double product = double{a} * double{b}, sum = product + double{c};
    const double part = sum - product, error = (product - (sum - part)) + (double{c} - part);
    const auto nearest = static_cast<float>(sum);
    const bool above = double{nearest} > sum || (double{nearest} == sum && error < 0);
    return above ? std::nextafter(nearest, -std::numeric_limits<float>::infinity()) : nearest;
  }
};
// Division by zero gives all ones on a GPU, and the remainder is the dividend; both unspecified.
struct Div {
  template <typename T>
  static T of(T a, T b) {
    if constexpr (std::is_integral_v<T>) {
      if (b == 0) return static_cast<T>(~T{0});
      if (std::is_signed_v<T> && b == static_cast<T>(-1)) return Sub::of(T{0}, a);
    }
    return static_cast<T>(a / b);
  }
};
struct Rem {
  template <typename T>
  static T of(T a, T b) {
    if (b == 0) return a;
    return std::is_signed_v<T> && b == static_cast<T>(-1) ? T{0} : static_cast<T>(a % b);
  }
};
struct Min {  // of a number and a NaN: the number
  template <typename T>
  static T of(T a, T b) {
    if constexpr (std::is_floating_point_v<T>) {
      return std::fmin(a, b);
    } else {
      return a < b ? a : b;
    }
  }
};
struct Max {
  template <typename T>
  static T of(T a, T b) {
    if constexpr (std::is_floating_point_v<T>) {
      return std::fmax(a, b);
    } else {
      return a > b ? a : b;
    }
  }
};
struct Neg {
  template <typename T>
  static T of(T a) {
    if constexpr (std::is_floating_point_v<T>) {
      return -a;
    } else {
      return Sub::of(T{0}, a);
    }
  }
};
struct Abs {
  template <typename T>
  static T of(T a) {
    if constexpr (std::is_floating_point_v<T>) {
      return std::fabs(a);
    } else {
      return a < 0 ? Sub::of(T{0}, a) : a;
    }
  }
};
struct Reciprocal {
  template <typename T>
  static T of(T a) {
    return T{1} / a;
  }
};
struct Sqrt {
  template <typename T>
  static T of(T a) {
    return std::sqrt(a);
  }
};
struct ReciprocalSqrt {
  template <typename T>
  static T of(T a) {
    return T{1} / std::sqrt(a);
  }
};
struct Exp2 {
  static float of(float a) { return std::exp2(a); }
};
struct Log2 {
  static float of(float a) { return std::log2(a); }
};
struct Sin {
  static float of(float a) { return std::sin(a); }
};
struct Cos {
  static float of(float a) { return std::cos(a); }
};

float flushed(float x) { return std::fpclassify(x) == FP_SUBNORMAL ? std::copysign(0.0f, x) : x; }

// .ftz: subnormal inputs and results are zero.
template <typename F>
struct Flushing {
  template <typename... Ts>
  static float of(Ts... inputs) {
    return flushed(F::of(flushed(inputs)...));
  }
};

// [.rn] [.ftz] type, float or double.
template <typename F, int kInputs>
Execute float_form(Modifiers& m, Type type) {
  m.take("rn");
  if (m.take("ftz")) return for_type<Flushing<F>, kInputs, float>(type);
  return for_floats<F, kInputs>(type);
}

template <typename F, int kInputs>
bool bind_any(Modifiers& m, Instruction& i) {
  const Type type = m.take_type();
  i.execute = for_integers<F, kInputs>(type);
  if (i.execute == nullptr) i.execute = float_form<F, kInputs>(m, type);
  return true;
}

// slot 0 (twice as wide) = a * b [+ c].
template <typename T, typename Wide, bool kAdds>
void multiply_wide(Frame& frame, const Instruction& i) {
  Wide result = Wide(get<T>(frame, i.slots[1])) * Wide(get<T>(frame, i.slots[2]));
  if constexpr (kAdds) result = Add::of(result, get<Wide>(frame, i.slots[3]));
  put<Wide>(frame, i.slots[0], result);
}
template <bool kAdds>
Execute wide_form(Type type) {
  switch (type) {
    case Type::kU16:
      return &multiply_wide<std::uint16_t, std::uint32_t, kAdds>;
    case Type::kS16:
      return &multiply_wide<std::int16_t, std::int32_t, kAdds>;
    case Type::kU32:
      return &multiply_wide<std::uint32_t, std::uint64_t, kAdds>;
    case Type::kS32:
      return &multiply_wide<std::int32_t, std::int64_t, kAdds>;
    default:
      return nullptr;
  }
}

bool bind_mul(Modifiers& m, Instruction& i) {
  const Type type = m.take_type();
  if (m.take("wide")) {
    i.execute = wide_form<false>(type);
  } else if (m.take("hi")) {
    i.execute = for_integers<MulHigh, 2>(type);
  } else if (m.take("lo")) {
    i.execute = for_integers<Mul, 2>(type);
  } else {
    i.execute = float_form<Mul, 2>(m, type);
  }
  return true;
}

bool bind_mad(Modifiers& m, Instruction& i) {
  const Type type = m.take_type();
  if (m.take("wide")) {
    i.execute = wide_form<true>(type);
  } else if (m.take("lo")) {
    i.execute = for_integers<MadLow, 3>(type);
  }
  return true;
}

bool bind_fma(Modifiers& m, Instruction& i) {
  const Type type = m.take_type();
  i.execute = m.take("rm") ? for_type<FmaDown, 3, float>(type) : float_form<Fma, 3>(m, type);
  return true;
}

bool bind_div(Modifiers& m, Instruction& i) {
  if (!m.take("full")) m.take("approx");
  return bind_any<Div, 2>(m, i);
}

template <typename F>
bool bind_integer_binary(Modifiers& m, Instruction& i) {
  i.execute = for_integers<F, 2>(m.take_type());
  return true;
}

// Float and double, rounded or approximate.
template <typename F>
bool bind_float_unary(Modifiers& m, Instruction& i) {
  const bool approximate = m.take("approx");
  const Type type = m.take_type();
  if (approximate && type == Type::kF64) {  // there is only .ftz
    if (m.take("ftz")) i.execute = for_type<F, 1, double>(type);
  } else {
    i.execute = float_form<F, 1>(m, type);
  }
  return true;
}

// [.approx] [.ftz] .f32 only.
template <typename F>
bool bind_approximation(Modifiers& m, Instruction& i) {
  if (!m.take("approx")) return false;
  const Type type = m.take_type();
  i.execute = m.take("ftz") ? for_type<Flushing<F>, 1, float>(type) : for_type<F, 1, float>(type);
  return true;
}

}  // namespace

std::span<const Opcode> arithmetic_opcodes() {
  static constexpr Opcode kTable[] = {
      {"add", bind_any<Add, 2>, 3, 3},
      {"sub", bind_any<Sub, 2>, 3, 3},
      {"mul", bind_mul, 3, 3},
      {"mad", bind_mad, 4, 4},
      {"fma", bind_fma, 4, 4},
      {"div", bind_div, 3, 3},
      {"rem", bind_integer_binary<Rem>, 3, 3},
      {"min", bind_any<Min, 2>, 3, 3},
      {"max", bind_any<Max, 2>, 3, 3},
      {"neg", bind_any<Neg, 1>, 2, 2},
      {"abs", bind_any<Abs, 1>, 2, 2},
      {"rcp", bind_float_unary<Reciprocal>, 2, 2},
      {"sqrt", bind_float_unary<Sqrt>, 2, 2},
      {"rsqrt", bind_float_unary<ReciprocalSqrt>, 2, 2},
      {"ex2", bind_approximation<Exp2>, 2, 2},
      {"lg2", bind_approximation<Log2>, 2, 2},
      {"sin", bind_approximation<Sin>, 2, 2},
      {"cos", bind_approximation<Cos>, 2, 2},
  };
  return kTable;
}

}  // namespace sb::ptx
