// Peers that this build has no library for: listed, with what to install, and skipped, so that a
// workload may name them everywhere.
#include <stdexcept>

#include "core/registry.h"

#if !SB_HAVE_XNNPACK || !SB_HAVE_ONEDNN
namespace sb::softmax {
namespace {

Variant absent(std::string op, std::string name, const std::string& why) {
  return {
      .op = std::move(op),
      .name = std::move(name),
      .isa = Isa::kNative,
      .dtypes = {Dtype::kF32, Dtype::kBf16, Dtype::kF16},
      .summary = why,
      .why_not = [why](const Problem&) { return why; },
      .make = [why](const Problem&) -> std::unique_ptr<Kernel> { throw std::runtime_error(why); }};
}

#if !SB_HAVE_XNNPACK
const Registration xnnpack{
    absent("softmax", "xnnpack", "built without XNNPACK; install libxnnpack-dev")};
#endif

#if !SB_HAVE_ONEDNN
const char* const kNoOnednn = "built without oneDNN; install libdnnl-dev";
const Registration softmax{absent("softmax", "onednn", kNoOnednn)};
const Registration log_softmax{absent("log_softmax", "onednn", kNoOnednn)};
#endif

}  // namespace
}  // namespace sb::softmax
#endif
