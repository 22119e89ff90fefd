#include "suites/attention/gemm.h"

#include <stdexcept>

#ifdef SB_HAVE_OPENBLAS
#include <cblas.h>
#endif

namespace sb::attention {

#ifdef SB_HAVE_OPENBLAS

std::string why_not_gemm() { return ""; }

void gemm_begin() { openblas_set_num_threads(1); }

void gemm(Form form, std::int64_t rows, std::int64_t columns, std::int64_t k, float alpha,
          const Rows<const float*>& a, const Rows<const float*>& b, float beta,
          const Rows<float*>& c) {
  const auto size = [](std::int64_t n) { return static_cast<blasint>(n); };
  if (rows == 0 || columns == 0) return;
  cblas_sgemm(CblasRowMajor, form == Form::kAtB ? CblasTrans : CblasNoTrans,
              form == Form::kABt ? CblasTrans : CblasNoTrans, size(rows), size(columns), size(k),
              alpha, a.data, size(a.stride), b.data, size(b.stride), beta, c.data, size(c.stride));
}

#else

std::string why_not_gemm() { return "built without OpenBLAS; install libopenblas-dev"; }
void gemm_begin() {}
void gemm(Form, std::int64_t, std::int64_t, std::int64_t, float, const Rows<const float*>&,
          const Rows<const float*>&, float, const Rows<float*>&) {
  throw std::runtime_error(why_not_gemm());
}

#endif

}  // namespace sb::attention
