#include "measure/verify.h"

#include <cmath>
#include <cstdio>
#include <limits>
#include <stdexcept>

namespace sb {
namespace {

struct ElementError {
  double abs = 0;
  double rel = 0;  // over scale; infinite where an element had to be exact and is not
};

ElementError error_of(double got, double want, double scale) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (std::isnan(want) || std::isnan(got)) {
    return std::isnan(want) && std::isnan(got) ? ElementError{}
                                               : ElementError{kInfinity, kInfinity};
  }
  if (got == want) return {};  // equal infinities too
  const double abs = std::fabs(got - want);
  return {abs, scale > 0 ? abs / scale : kInfinity};
}

std::string describe(const TensorSpec& spec, std::int64_t element, double got, double want) {
  char text[160];
  std::snprintf(text, sizeof text, "%s[%lld] = %.9g, expected %.9g", spec.name.c_str(),
                static_cast<long long>(element), got, want);
  return text;
}

// A floating value that can't be reported as a figure (a NaN met a number) leaves the figure at
// the largest double: the row's columns take finite numbers only.
double finite(double value) { return std::min(value, std::numeric_limits<double>::max()); }

void compare_output(const Expected& expected, double tolerance, const TensorSpec& spec,
                    const void* data, Verification& result) {
  const std::size_t count = expected.value.size();
  if (expected.scale.size() != count ||
      (expected.index.empty() ? static_cast<std::int64_t>(count) != spec.count()
                              : expected.index.size() != count)) {
    throw std::logic_error("the reference of " + spec.name + " has the wrong number of elements");
  }
  if (!expected.index.empty()) result.sampled = true;
  double worst = -1;
  for (std::size_t i = 0; i < count; ++i) {
    const std::int64_t element =
        expected.index.empty() ? static_cast<std::int64_t>(i) : expected.index[i];
    const double got = load_as_double(spec.dtype, data, spec.offset(element));
    const ElementError error = error_of(got, expected.value[i], expected.scale[i]);
    result.err_max_abs = finite(std::max(result.err_max_abs, error.abs));
    if (error.rel <= worst) continue;
    worst = error.rel;
    if (error.rel > tolerance && (result.reason.empty() || worst > result.err_max_rel)) {
      result.passed = false;
      result.reason = describe(spec, element, got, expected.value[i]);
    }
  }
  if (worst > result.err_max_rel || result.tolerance == 0) {
    result.err_max_rel = finite(std::max(worst, 0.0));
    result.tolerance = tolerance;
  }
}

}  // namespace

Verification compare_with(const std::vector<Expected>& expected,
                          const std::vector<TensorSpec>& specs, const Operands& operands,
                          double tolerance_factor) {
  Verification result;
  result.passed = true;
  std::size_t output = 0;
  for (std::size_t i = 0; i < specs.size(); ++i) {
    if (specs[i].role != Role::kOutput) continue;
    if (output == expected.size()) throw std::logic_error("the reference lacks " + specs[i].name);
    const Expected& answer = expected[output++];
    compare_output(answer, answer.tolerance * tolerance_factor, specs[i],
                   operands.get<void>(static_cast<int>(i)), result);
  }
  return result;
}

Verification verify(Kernel& kernel, OperandSet& set, const std::vector<Expected>& expected,
                    double tolerance_factor) {
  set.poison_outputs();
  set.remember_inputs();
  kernel.run(set.operands());
  Verification result = compare_with(expected, set.specs(), set.operands(), tolerance_factor);
  if (const std::string broken = set.broken_fence(); !broken.empty()) {
    result.passed = false;
    result.reason = broken;
  }
  return result;
}

}  // namespace sb
