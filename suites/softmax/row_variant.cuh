// What the CUDA variants have in common: softmax and log_softmax of every storage type from one
// launch function.
#pragma once

#include <algorithm>
#include <string>

#include "backend/device_variant.cuh"
#include "suites/softmax/row_sum.cuh"
#include "suites/softmax/softmax_op.h"

namespace sb::softmax {
namespace {

// Launcher: a struct with `template <typename T, Result> static DeviceRun prepare(const Shape&)`.
template <typename Launcher, Result kResult>
DeviceRun prepare_rows(const Problem& problem) {
  const Shape s(problem);
  if (s.rows == 0 || s.cols == 0) return [](const Operands&) {};
  if (problem.dtype == Dtype::kBf16) return Launcher::template prepare<Bf16, kResult>(s);
  if (problem.dtype == Dtype::kF16) return Launcher::template prepare<F16, kResult>(s);
  return Launcher::template prepare<float, kResult>(s);
}

// Both operations' registrations; `variant` without operation and types.
template <typename Launcher>
struct RowRegistration {
  explicit RowRegistration(const Variant& variant, Code code = Code::kOurs,
                           const char* source = __builtin_FILE())
      : softmax(with(variant, "softmax"), prepare_rows<Launcher, Result::kSoftmax>, code, source),
        log_softmax(with(variant, "log_softmax"), prepare_rows<Launcher, Result::kLogSoftmax>, code,
                    source) {}

  static Variant with(Variant variant, const char* op) {
    variant.op = op;
    variant.dtypes = {Dtype::kF32, Dtype::kBf16, Dtype::kF16};
    return variant;
  }

  DeviceRegistration softmax, log_softmax;
};

// Empty if rows are no longer than `most`.
inline auto why_too_long(std::int64_t most, const char* instead) {
  return [=](const Problem& problem) {
    return Shape(problem).cols > most
               ? "registers hold " + std::to_string(most) + " columns; use " + instead
               : std::string();
  };
}

}  // namespace
}  // namespace sb::softmax
