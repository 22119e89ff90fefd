#include "suites/fft_conv/fft_conv_op.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "suites/fft_conv/reference.h"

namespace sb::fft_conv {
namespace {

// Of a row's size, per level of the transform. Measured over all variants: 0.2e-7 to 0.4e-7.
constexpr double kFloatError = 1e-7;

std::string number(std::int64_t value) { return std::to_string(value); }

}  // namespace

std::vector<ParamSpec> ConvolutionOperation::params() const {
  const auto length = [](std::string name, std::string doc) {
    return ParamSpec{
        .name = std::move(name), .doc = std::move(doc), .min = 0, .default_value = "0"};
  };
  const auto flag = [](std::string name, std::string doc) {
    return ParamSpec{.name = std::move(name),
                     .doc = std::move(doc),
                     .choices = {"false", "true"},
                     .default_value = "false"};
  };
  return {
      {.name = "b", .doc = "sequences per channel, which share its kernel"},
      {.name = "h", .doc = "channels"},
      {.name = "n", .doc = "points of the transform, a power of two", .min = 4, .max = 1 << 24},
      length("l", "samples of a sequence; 0: n, or n/2 if causal"),
      length("lk", "taps of a kernel; 0: n, or n/2 if causal"),
      flag("causal", "zero-padded to n: nothing wraps around"),
      flag("gated", "u times g_in before, the result times g_out after"),
      {.name = "spectrum",
       .doc = "kernel spectra made inside the timed call, or cached before it",
       .choices = {"inside", "cached"},
       .default_value = "inside"},
      {.name = "sparsity",
       .doc = "percent of the kernel's spectrum set to zero, the highest frequencies first",
       .min = 0,
       .max = 99,
       .default_value = "0"},
  };
}

std::string ConvolutionOperation::why_not(const Problem& problem) const {
  const Shape s(problem);
  if (!std::has_single_bit(static_cast<std::uint64_t>(s.n))) {
    return "n = " + number(s.n) + " is not a power of two";
  }
  const std::int64_t most = s.causal ? s.n / 2 : s.n;
  const std::string limit = s.causal ? "n/2" : "n";
  if (s.l > most) return "l = " + number(s.l) + " exceeds " + limit + " = " + number(most);
  if (s.lk > most) return "lk = " + number(s.lk) + " exceeds " + limit + " = " + number(most);
  return "";
}

std::vector<std::string> ConvolutionOperation::fills() const {
  return {"impulse_kernel",  "shifted_impulse_kernel", "zero_kernel",
          "decaying_kernel", "impulse_signal",         "alternating"};
}

void ConvolutionOperation::fill_signals(const Problem& problem, const Fill& fill,
                                        std::uint64_t seed, const Operands& o,
                                        std::initializer_list<int> others) {
  static_assert(forward::kU == int{backward::kU} && forward::kK == int{backward::kK});
  using namespace forward;
  fill_signal(problem, fill, random_bits(seed, kU), o.get<void>(kU));
  fill_kernel(problem, fill, random_bits(seed, kK), o.get<float>(kK));
  const TensorSpec plain = signal_spec(problem, "", Role::kInput);
  for (const int place : others) {
    fill_tensor(plain, o.get<void>(place), Fill{}, random_bits(seed, place));
  }
}

double transform_flops(std::int64_t n) {
  return 2.5 * static_cast<double>(n) * std::log2(static_cast<double>(n));
}

TensorSpec signal_spec(const Problem& problem, std::string name, Role role) {
  const Shape s(problem);
  return {.name = std::move(name), .dtype = problem.dtype, .dims = {s.b, s.h, s.l}, .role = role};
}

TensorSpec kernel_spec(const Problem& problem, std::string name, Role role) {
  const Shape s(problem);
  return {.name = std::move(name), .dims = {s.h, s.lk}, .role = role};
}

void fill_signal(const Problem& problem, const Fill& fill, std::uint64_t seed, void* u) {
  const Shape s(problem);
  const TensorSpec spec = signal_spec(problem, "u", Role::kInput);
  if (fill.kind != Fill::Kind::kNamed) return fill_tensor(spec, u, fill, seed);
  fill_tensor(spec, u, Fill{}, seed);
  for (std::int64_t i = 0; i < s.elements(); ++i) {
    const std::int64_t at = i % s.l;
    if (fill.word == "impulse_signal") {  // a late one: causal and circular differ most
      store_from_double(spec.dtype, u, i, at == s.l - 1 - s.l / 8 ? 1 : 0);
    } else if (fill.word == "alternating") {  // all energy in the bin n/2
      store_from_double(spec.dtype, u, i, at % 2 == 0 ? 1 : -1);
    }
  }
}

void fill_kernel(const Problem& problem, const Fill& fill, std::uint64_t seed, float* k) {
  const Shape s(problem);
  const TensorSpec spec = kernel_spec(problem, "k", Role::kInput);
  if (fill.kind != Fill::Kind::kNamed) return fill_tensor(spec, k, fill, seed);
  fill_tensor(spec, k, Fill{}, seed);
  for (std::int64_t i = 0; i < s.h * s.lk; ++i) {
    const std::int64_t tap = i % s.lk;
    if (fill.word == "impulse_kernel") {  // y = u
      k[i] = tap == 0 ? 1.0f : 0.0f;
    } else if (fill.word == "shifted_impulse_kernel") {  // wraps around if circular
      k[i] = tap == s.lk - 1 - s.lk / 4 ? 1.0f : 0.0f;
    } else if (fill.word == "zero_kernel") {
      k[i] = 0;
    } else if (fill.word == "decaying_kernel") {  // what trained long convolutions look like
      k[i] *=
          static_cast<float>(std::exp(-8.0 * static_cast<double>(tap) / static_cast<double>(s.lk)));
    }
  }
}

std::vector<std::int64_t> sampled_rows(std::int64_t rows, double cost_per_row) {
  constexpr double kBudget = 4e9;  // about a second on two cores
  const auto affordable =
      static_cast<std::int64_t>(std::max(2.0, kBudget / std::max(cost_per_row, 1.0)));
  std::vector<std::int64_t> chosen;
  // An odd step visits every channel and both halves of what kernels take two at a time.
  const std::int64_t step = rows <= affordable ? 1 : ((rows + affordable - 1) / affordable) | 1;
  for (std::int64_t row = 0; row < rows; row += step) chosen.push_back(row);
  if (chosen.back() != rows - 1) chosen.push_back(rows - 1);
  return chosen;
}

double reference_cost(const Shape& s) {
  const auto n = static_cast<double>(s.n);
  return s.n <= kDirect ? n * static_cast<double>(s.lk) : 60 * n * std::log2(n);
}

ExpectedRows::ExpectedRows(std::int64_t n, Dtype dtype)
    : float_error_(kFloatError * std::log2(static_cast<double>(n))),
      least_(dtype == Dtype::kF16 ? 0x1p-14 : 0) {
  expected_.tolerance = dtype == Dtype::kF32 ? float_error_ : epsilon_of(dtype) / 2;
}

void ExpectedRows::append(const std::vector<double>& row, const std::vector<double>* gate,
                          double size) {
  double largest = size;
  for (const double v : row) largest = std::max(largest, std::abs(v));
  const bool wide = expected_.tolerance == float_error_;
  for (std::size_t i = 0; i < row.size(); ++i) {
    const double factor = gate == nullptr ? 1 : (*gate)[i];
    const double value = row[i] * factor;
    const double rounding = largest * std::abs(factor);
    expected_.value.push_back(value);
    expected_.scale.push_back(wide ? rounding
                                   : std::max(std::abs(value), least_) +
                                         rounding * float_error_ / expected_.tolerance);
  }
}

void ExpectedRows::append_index(std::int64_t first, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) expected_.index.push_back(first + i);
}

}  // namespace sb::fft_conv
