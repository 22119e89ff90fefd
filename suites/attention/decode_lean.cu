#include "suites/attention/lean_call.cuh"

namespace sb::attention::decode_lean_cu {
namespace {

struct Lean {
  template <typename Split, int kRows>
  static DeviceRun run(const Problem& problem) {
    return lean_run<Split, kRows>(problem);
  }
};

const DeviceRegistration registration{
    decode_variant("lean", "stream-K: blocks that live together share all tiles, owners merge",
                   "arXiv:2405.10480"),
    decode_any<Lean>};

}  // namespace
}  // namespace sb::attention::decode_lean_cu
