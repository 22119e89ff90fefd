// OpenBLAS picks its kernels by the processor's model when it is loaded. One that it does not know
// gets those of a Prescott (SSE3): Debian 12's 0.3.21 multiplies at 8 GFLOP/s instead of 62 on an
// Emerald Rapids Xeon (one thread, k = 64), and every variant made of its products is a baseline
// too weak to be beaten.
#pragma once

#include <string>

namespace sb {

// What OpenBLAS should be told to take the processor for (OPENBLAS_CORETYPE), from what it took it
// for and what the processor has. Empty: it knows better, or there is nothing better to say.
std::string better_blas_core(const std::string& chosen, bool has_avx2, bool has_avx512);

// Starts this program again with OPENBLAS_CORETYPE set if OpenBLAS is loaded and fell back. Does
// nothing if the user has set the variable. Call it first in main(), with its arguments.
void restart_with_blas_core(char** argv);

}  // namespace sb
