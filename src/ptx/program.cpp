#include "ptx/program.h"

#include <map>
#include <memory>
#include <stdexcept>

namespace sb::ptx {
namespace {

struct Image {
  const void* at = nullptr;
  std::map<int, std::unique_ptr<Module>> modules;  // by architecture
  std::map<int, std::string> cubins;
  bool read = false;
};
struct Function {
  Image* image;
  std::string name;
};

struct Program {
  std::map<const void*, std::unique_ptr<Image>> images;  // by handle
  std::map<const void*, Function> functions;
  const Kernel* substitute = nullptr;
};

Program& program() {
  static Program one;
  return one;
}

Image& read(Image& image) {
  if (image.read) return image;
  for (FatPart& part : parts_of_fat_binary(image.at)) {
    if (part.kind == FatPart::kPtx) {
      image.modules[part.arch] = std::make_unique<Module>(part.bytes.c_str());  // to its NUL
    } else if (part.kind == FatPart::kCubin) {
      image.cubins[part.arch] = std::move(part.bytes);
    }
  }
  image.read = true;
  return image;
}

}  // namespace

void add_image(const void* handle, const void* image) {
  program().images[handle] = std::make_unique<Image>(Image{.at = image});
}
void add_function(const void* handle, const void* host_function, const char* name) {
  program().functions[host_function] = {program().images.at(handle).get(), name};
}
bool has_images() { return !program().images.empty(); }

const Kernel& kernel_of(const void* host_function, int arch) {
  const auto known = program().functions.find(host_function);
  if (known == program().functions.end()) {
    throw std::runtime_error("nvcc did not register this kernel");
  }
  const auto& [image, name] = known->second;
  if (program().substitute != nullptr && program().substitute->name == name) {
    return *program().substitute;
  }
  const auto module = read(*image).modules.find(arch);
  if (module == image->modules.end()) {
    throw std::runtime_error("no PTX for compute_" + std::to_string(arch) + " in this program");
  }
  return module->second->kernel(name);
}

Substitute::Substitute(const Kernel& kernel) { program().substitute = &kernel; }
Substitute::~Substitute() { program().substitute = nullptr; }

std::vector<const Module*> modules(int arch) {
  std::vector<const Module*> all;
  for (const auto& [handle, image] : program().images) {
    const auto module = read(*image).modules.find(arch);
    if (module != image->modules.end()) all.push_back(module->second.get());
  }
  return all;
}

std::vector<std::string_view> cubins(int arch) {
  std::vector<std::string_view> all;
  for (const auto& [handle, image] : program().images) {
    const auto cubin = read(*image).cubins.find(arch);
    if (cubin != image->cubins.end()) all.push_back(cubin->second);
  }
  return all;
}

int& interpreted_arch() {
  thread_local int arch = 0;
  return arch;
}

}  // namespace sb::ptx
