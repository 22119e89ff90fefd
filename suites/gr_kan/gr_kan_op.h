// What gr_kan and gr_kan_backward share as operations: parameters, inputs, hard fills.
#pragma once

#include <string>
#include <vector>

#include "core/operation.h"
#include "suites/gr_kan/rational.h"

namespace sb::gr_kan {

// Places of the operands of gr_kan.
namespace forward {
enum Place { kX, kA, kB, kY };
}
// Places of the operands of gr_kan_backward; g is dL/dF.
namespace backward {
enum Place { kX, kG, kA, kB, kDx, kDa, kDb };
}

std::vector<ParamSpec> shape_params();
std::string why_not_shape(const Problem& problem);
std::vector<std::string> hard_fills();

// x by the fill (or by one of hard_fills()).
void fill_x(const Shape& shape, const Fill& fill, std::uint64_t seed, float* x);
// a and b by the parameter `coefficients`.
void fill_coefficients(const Problem& problem, std::uint64_t seed, float* a, float* b);

// The coefficients of all groups in double: a0 ... a5, |b1| ... |b4| of each group in turn.
std::vector<double> coefficients_as_double(const Shape& shape, const float* a, const float* b);

// At most kSampled element indices, ascending, the first and the last row among them; empty if
// every element is to be checked.
inline constexpr std::int64_t kSampled = 1 << 20;
std::vector<std::int64_t> sampled_elements(const Shape& shape);

}  // namespace sb::gr_kan
