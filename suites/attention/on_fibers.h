// Kernels that registered variants launch only between the products of a library that a GPU has:
// for device_test.cpp.
#pragma once

#include <memory>

#include "core/variant.h"
#include "suites/attention/masked_stage.h"

namespace sb::attention {

// standard around products by definition.
std::unique_ptr<Kernel> standard_on_fibers(const Problem& problem);

// The launch between them alone. Throws what the memory checker saw.
MaskedAnswer masked_softmax_on_fibers(const MaskedStage& stage);

}  // namespace sb::attention
