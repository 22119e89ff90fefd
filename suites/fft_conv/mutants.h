// Planted bugs of convolutions: right outputs in, what a wrong kernel would have left out.
#pragma once

#include <vector>

#include "core/operation.h"

namespace sb::fft_conv {

std::vector<Mutant> forward_mutants();
std::vector<Mutant> backward_mutants();

}  // namespace sb::fft_conv
