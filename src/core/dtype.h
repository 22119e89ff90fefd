// Storage types of tensor elements and their conversions to and from double.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sb {

enum class Dtype { kF32, kBf16, kF16, kF64, kI32, kI64 };

std::string_view name_of(Dtype dtype);                  // "f32", "bf16", ...
bool parse_dtype(std::string_view text, Dtype& dtype);  // false if the word is unknown
std::size_t size_of(Dtype dtype);                       // bytes per element
bool is_floating(Dtype dtype);

// Distance from 1 to the next number, the unit in which tolerances are stated. 0 for integers.
double epsilon_of(Dtype dtype);

// 16-bit formats travel as their bits; arithmetic on them happens in float.
// Rounding is to nearest, ties to even; a NaN stays a (quiet) NaN.
float bf16_to_float(std::uint16_t bits);
std::uint16_t float_to_bf16(float value);
float f16_to_float(std::uint16_t bits);
std::uint16_t float_to_f16(float value);

double load_as_double(Dtype dtype, const void* base, std::int64_t index);
void store_from_double(Dtype dtype, void* base, std::int64_t index, double value);

// `value` as the nearest number of `dtype`: what a perfect kernel would have stored.
double round_to(Dtype dtype, double value);

}  // namespace sb
