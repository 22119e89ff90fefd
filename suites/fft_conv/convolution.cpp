#include "suites/fft_conv/convolution.h"

namespace sb::fft_conv {

Shape::Shape(const Problem& problem)
    : b(problem.params.integer("b")),
      h(problem.params.integer("h")),
      n(problem.params.integer("n")),
      l(problem.params.integer("l")),
      lk(problem.params.integer("lk")),
      causal(problem.params.flag("causal")),
      gated(problem.params.flag("gated")),
      cached(problem.params.word("spectrum") == "cached"),
      sparsity(problem.params.integer("sparsity")) {
  if (l == 0) l = causal ? n / 2 : n;
  if (lk == 0) lk = causal ? n / 2 : n;
}

}  // namespace sb::fft_conv
