// The PTX and the machine code of this program's own kernels, found by the host function that
// launches them. Filled before main by hooks/cuda_registration.cpp with what nvcc registers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ptx/fat_binary.h"
#include "ptx/launch.h"
#include "ptx/module.h"

namespace sb::ptx {

// Virtual architectures whose PTX is built in.
inline constexpr int kArchs[] = {80, 90};

// For the hooks.
void add_image(const void* handle, const void* image);
void add_function(const void* handle, const void* host_function, const char* name);

bool has_images();

// nvcc's PTX for compute_<arch> of what `host_function` launches. Throws std::runtime_error.
const Kernel& kernel_of(const void* host_function, int arch);

// While it lives, launches of the kernel of that name run this one instead: for mutants.
class Substitute {
 public:
  explicit Substitute(const Kernel& kernel);
  ~Substitute();
  Substitute(const Substitute&) = delete;
};

// All modules of an architecture, read when first asked for. Throws Refused.
std::vector<const Module*> modules(int arch);
// All machine code of an architecture.
std::vector<std::string_view> cubins(int arch);

// Launches that the calling thread makes go to the interpreter, which takes the PTX of this
// architecture; 0: to a GPU.
int& interpreted_arch();
class Interpreted {
 public:
  explicit Interpreted(int arch) : before_(interpreted_arch()) { interpreted_arch() = arch; }
  ~Interpreted() { interpreted_arch() = before_; }
  Interpreted(const Interpreted&) = delete;

 private:
  int before_;
};

}  // namespace sb::ptx
