// Built where no CUDA toolkit is.
#include "machine/gpu.h"
#include "machine/gpu_peaks.h"

namespace sb {

#if !defined(SB_HAVE_CUDA)
std::unique_ptr<Gpu> open_gpu(std::string& why) {
  why = "this program was built without CUDA";
  return nullptr;
}

std::vector<GpuLoad> gpu_loads(Gpu&) { return {}; }
#endif

}  // namespace sb
