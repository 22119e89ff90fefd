// naive: the formula, element by element, the group's coefficients looked up each time.
#include "core/buffer.h"
#include "core/registry.h"
#include "suites/gr_kan/gr_kan_op.h"

namespace sb::gr_kan {
namespace {

using namespace forward;

void forward_elements(const Shape& s, int threads, const float* x, const float* coefficients,
                      float* y) {
#pragma omp parallel for num_threads(threads) schedule(static)
  for (std::int64_t i = 0; i < s.elements(); ++i) {
    const float* a = coefficients + i % s.d / s.group_size * kTerms;
    const Point<float> at(x[i], a, a + kNumerators);
    y[i] = at.p / at.q;
  }
}

std::unique_ptr<Kernel> make_naive(const Problem& problem) {
  const Shape s(problem);
  auto coefficients =
      std::make_shared<Buffer>(static_cast<std::size_t>(s.groups * kTerms) * sizeof(float));
  return kernel_from([s, coefficients, threads = problem.threads](const Operands& o) {
    float* gathered = coefficients->as<float>();
    gather_coefficients(s, o.get<float>(kA), o.get<float>(kB), gathered);
    forward_elements(s, threads, o.get<float>(kX), gathered, o.get<float>(kY));
  });
}

const Registration naive{Variant{.op = "gr_kan",
                                 .name = "naive",
                                 .summary = "the formula, element by element",
                                 .make = make_naive}};

}  // namespace
}  // namespace sb::gr_kan
