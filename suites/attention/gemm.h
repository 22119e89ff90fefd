// The library matrix product of the materialised forms, on one thread: C = alpha A B (or B^T).
#pragma once

#include <cstdint>
#include <string>

#include "suites/attention/panel.h"

namespace sb::attention {

std::string why_not_gemm();  // empty if this build has a library
void gemm_begin();           // before a parallel region: the library is not to start threads

enum class Form { kAB, kABt, kAtB };

// C (rows, columns) = alpha op(A) op(B) + beta C, all row-major; k is the contracted extent.
void gemm(Form form, std::int64_t rows, std::int64_t columns, std::int64_t k, float alpha,
          const Rows<const float*>& a, const Rows<const float*>& b, float beta,
          const Rows<float*>& c);

}  // namespace sb::attention
