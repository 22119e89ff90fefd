// Objects made by nvcc register their fat binaries and kernels with the CUDA runtime before main.
// The linker's --wrap leads these calls here: the interpreter learns what belongs to which kernel,
// and the runtime still learns it, too. Linked wherever objects made by nvcc are.
#include <cstdint>

#include "ptx/program.h"

namespace {

struct FatBinaryWrapper {
  std::int32_t magic, version;
  const void* image;
  const void* unused;
};

}  // namespace

extern "C" {
void** __real___cudaRegisterFatBinary(void* wrapper);
void __real___cudaRegisterFunction(void** handle, const char* host_function, char* device_function,
                                   const char* name, int thread_limit, void* tid, void* bid,
                                   void* block, void* grid, int* warp_size);

void** __wrap___cudaRegisterFatBinary(void* wrapper) {
  void** handle = __real___cudaRegisterFatBinary(wrapper);
  sb::ptx::add_image(handle, static_cast<FatBinaryWrapper*>(wrapper)->image);
  return handle;
}

void __wrap___cudaRegisterFunction(void** handle, const char* host_function, char* device_function,
                                   const char* name, int thread_limit, void* tid, void* bid,
                                   void* block, void* grid, int* warp_size) {
  sb::ptx::add_function(handle, host_function, name);
  __real___cudaRegisterFunction(handle, host_function, device_function, name, thread_limit, tid,
                                bid, block, grid, warp_size);
}
}
