// NVIDIA's libraries as peers: loaded when a problem asks for them, so that the program starts
// where they are not installed. Their headers must be there when nvcc compiles.
#pragma once

#include <dlfcn.h>

#include <stdexcept>
#include <string>

namespace sb {
inline namespace on_gpu {

class DeviceLibrary {
 public:
  // `soname`: with the major version that the headers belong to, "libcufft.so.12".
  explicit DeviceLibrary(std::string soname)
      : soname_(std::move(soname)), handle_(dlopen(soname_.c_str(), RTLD_NOW | RTLD_LOCAL)) {}

  // Empty if it is there.
  std::string why_not() const { return handle_ != nullptr ? "" : soname_ + " is not installed"; }

  // Function: decltype of the header's declaration. Throws std::runtime_error that names the
  // symbol.
  template <typename Function>
  Function* get(const char* name) const {
    void* const symbol = handle_ == nullptr ? nullptr : dlsym(handle_, name);
    if (symbol == nullptr) throw std::runtime_error(soname_ + " has no " + name);
    return reinterpret_cast<Function*>(symbol);
  }

 private:
  std::string soname_;
  void* handle_;  // as long as the program
};

#define SB_SYMBOL(library, name) (library).get<decltype(name)>(#name)

}  // namespace on_gpu
}  // namespace sb
