#include "core/dtype.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstring>

namespace sb {
namespace {

struct DtypeFacts {
  Dtype dtype;
  std::string_view name;
  std::size_t size;
  double epsilon;  // 0 for integers
};

constexpr std::array<DtypeFacts, 6> kFacts = {{
    {Dtype::kF32, "f32", 4, 0x1p-23},
    {Dtype::kBf16, "bf16", 2, 0x1p-7},
    {Dtype::kF16, "f16", 2, 0x1p-10},
    {Dtype::kF64, "f64", 8, 0x1p-52},
    {Dtype::kI32, "i32", 4, 0},
    {Dtype::kI64, "i64", 8, 0},
}};

const DtypeFacts& facts(Dtype dtype) { return kFacts[static_cast<std::size_t>(dtype)]; }

template <typename T>
T load(const void* base, std::int64_t index) {
  T value;
  std::memcpy(&value, static_cast<const std::byte*>(base) + index * std::int64_t{sizeof(T)},
              sizeof(T));
  return value;
}

template <typename T>
void store(void* base, std::int64_t index, T value) {
  std::memcpy(static_cast<std::byte*>(base) + index * std::int64_t{sizeof(T)}, &value, sizeof(T));
}

}  // namespace

std::string_view name_of(Dtype dtype) { return facts(dtype).name; }
std::size_t size_of(Dtype dtype) { return facts(dtype).size; }
double epsilon_of(Dtype dtype) { return facts(dtype).epsilon; }
bool is_floating(Dtype dtype) { return epsilon_of(dtype) > 0; }

bool parse_dtype(std::string_view text, Dtype& dtype) {
  for (const DtypeFacts& f : kFacts) {
    if (f.name == text) {
      dtype = f.dtype;
      return true;
    }
  }
  return false;
}

float bf16_to_float(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

std::uint16_t float_to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<std::uint16_t>((bits >> 16) | 0x40u);
  return static_cast<std::uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

float f16_to_float(std::uint16_t bits) {
  const std::uint32_t sign = (bits & 0x8000u) << 16;
  const std::uint32_t exponent = (bits >> 10) & 0x1fu;
  const std::uint32_t mantissa = bits & 0x3ffu;
  if (exponent == 0x1f) return std::bit_cast<float>(sign | 0x7f800000u | (mantissa << 13));
  if (exponent == 0) {
    const float magnitude = std::ldexp(static_cast<float>(mantissa), -24);  // subnormal or zero
    return sign != 0 ? -magnitude : magnitude;
  }
  return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (mantissa << 13));
}

std::uint16_t float_to_f16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>((bits >> 16) & 0x8000u);
  const std::uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return static_cast<std::uint16_t>(sign | 0x7e00u);
  if (magnitude >= 0x477ff000u) return static_cast<std::uint16_t>(sign | 0x7c00u);  // >= 65520
  if (magnitude < 0x38800000u) {  // below 2^-14: a multiple of 2^-24, rounded by the addition
    const float shifted = std::bit_cast<float>(magnitude) + 0.5f;  // ulp of [0.5, 1) is 2^-24
    return static_cast<std::uint16_t>(sign | (std::bit_cast<std::uint32_t>(shifted) - 0x3f000000u));
  }
  const std::uint32_t rounded = magnitude + 0xfffu + ((magnitude >> 13) & 1u);
  return static_cast<std::uint16_t>(sign | ((rounded - 0x38000000u) >> 13));
}

double load_as_double(Dtype dtype, const void* base, std::int64_t index) {
  switch (dtype) {
    case Dtype::kF32:
      return load<float>(base, index);
    case Dtype::kBf16:
      return bf16_to_float(load<std::uint16_t>(base, index));
    case Dtype::kF16:
      return f16_to_float(load<std::uint16_t>(base, index));
    case Dtype::kF64:
      return load<double>(base, index);
    case Dtype::kI32:
      return load<std::int32_t>(base, index);
    case Dtype::kI64:
      return static_cast<double>(load<std::int64_t>(base, index));
  }
  return 0;
}

void store_from_double(Dtype dtype, void* base, std::int64_t index, double value) {
  switch (dtype) {
    case Dtype::kF32:
      return store(base, index, static_cast<float>(value));
    case Dtype::kBf16:
      return store(base, index, float_to_bf16(static_cast<float>(value)));
    case Dtype::kF16:
      return store(base, index, float_to_f16(static_cast<float>(value)));
    case Dtype::kF64:
      return store(base, index, value);
    case Dtype::kI32:
      return store(base, index, static_cast<std::int32_t>(value));
    case Dtype::kI64:
      return store(base, index, static_cast<std::int64_t>(value));
  }
}

double round_to(Dtype dtype, double value) {
  if (dtype == Dtype::kF64) return value;
  double slot = 0;
  store_from_double(dtype, &slot, 0, value);
  return load_as_double(dtype, &slot, 0);
}

}  // namespace sb
