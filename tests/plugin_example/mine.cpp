// Softmax by the book, in another project: y = exp(x - max) / sum exp(x - max), row by row.
#include <algorithm>
#include <cmath>

#include "core/registry.h"

namespace {

using namespace sb;

enum Place { kX, kY };

void softmax_rows(std::int64_t rows, std::int64_t cols, const float* x, float* y) {
  for (std::int64_t r = 0; r < rows; ++r, x += cols, y += cols) {
    const float max = *std::max_element(x, x + cols);
    double sum = 0;
    for (std::int64_t c = 0; c < cols; ++c) sum += y[c] = std::exp(x[c] - max);
    const auto scale = static_cast<float>(1 / sum);
    for (std::int64_t c = 0; c < cols; ++c) y[c] *= scale;
  }
}

const Registration mine{Variant{.op = "softmax",
                                .name = "mine",
                                .summary = "a plugin's: one loop per pass, sums in double",
                                .make = [](const Problem& problem) {
                                  const std::int64_t rows = problem.params.integer("rows");
                                  const std::int64_t cols = problem.params.integer("cols");
                                  return kernel_from([=](const Operands& o) {
                                    softmax_rows(rows, cols, o.get<float>(kX), o.get<float>(kY));
                                  });
                                }}};

}  // namespace
