// What the variants with global float sums share (atomic, block_shared, flashkat): the sums stand
// in memory as float, and every thread adds to them with atomic operations.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "core/variant.h"
#include "suites/gr_kan/chunks.h"

namespace sb::gr_kan {

inline void atomic_add(float& sum, float v) {
  std::atomic_ref<float>(sum).fetch_add(v, std::memory_order_relaxed);
}

// Computes dx and adds to global[groups][kTerms], which is zeroed before each call.
using AtomicFunction = std::function<void(const BackwardCall& call, int threads, float* global)>;

std::unique_ptr<Kernel> make_atomic(const Problem& problem, AtomicFunction function);

// One element the plain way: dx returned, its ten products in terms[kTerms].
inline float backward_element(float x, float g, const float* coefficients, float* terms) {
  const Point<float> at(x, coefficients, coefficients + kNumerators);
  const float ax = std::abs(x);
  const float r = 1 / at.q;
  const float s = g * r;
  const float t = s * at.p * r;
  float power = s;
  for (int i = 0; i < kNumerators; ++i, power *= x) terms[i] = power;
  power = t * ax;
  for (int i = kNumerators; i < kTerms; ++i, power *= ax) terms[i] = power;
  return s * at.dp - (x < 0 ? -at.dq : at.dq) * t;
}

}  // namespace sb::gr_kan
