// Registers a .cu file's algorithm: where nvcc compiles it, as a CUDA variant and as the PTX of it
// that is interpreted; where the host compiler does, as its twin on fibers.
#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "backend/device_launch.cuh"
#include "core/registry.h"

namespace sb {
inline namespace
#if defined(__CUDACC__)
    on_gpu
#else
    on_fibers
#endif
{

// Launches an algorithm on operands that lie in device memory; owns what workspace it needs.
// `prepare`: what goes before all runs (Kernel::prepare); null: nothing.
struct DeviceRun {
  using Launches = std::function<void(const Operands&)>;

  template <typename F>
  requires std::invocable<const F&, const Operands&> DeviceRun(F launches)
      : run(std::move(launches)) {}
  DeviceRun(Launches once, Launches launches)
      : run(std::move(launches)), prepare(std::move(once)) {}

  Launches run, prepare;
};

// run() copies operands in, runs, copies outputs back: for verification. What is timed is
// enqueue().
class DeviceKernel final : public Kernel, public DeviceWork {
 public:
  DeviceKernel(std::vector<TensorSpec> specs, DeviceRun device_run)
      : specs_(std::move(specs)), device_run_(std::move(device_run)) {}

  void prepare(const Operands& host) override {
    if (device_run_.prepare) call(device_run_.prepare, host);
  }
  void run(const Operands& host) override { call(device_run_.run, host); }

#if defined(__CUDACC__)
  DeviceWork* device_work() override { return this; }
#endif
  void enqueue(const Operands& on_device, [[maybe_unused]] void* stream) override {
    const LaunchesOn launches(stream);
    device_run_.run(on_device);
  }

 private:
  void call(const DeviceRun::Launches& launches, const Operands& host) const {
    std::vector<DeviceArray> arrays;  // not kept: memory that is free while others are timed
    std::vector<void*> pointers;
    for (std::size_t i = 0; i < specs_.size(); ++i) {
      arrays.emplace_back(static_cast<std::size_t>(specs_[i].allocated()));
      copy_bytes(arrays[i].data(), host.get<void>(static_cast<int>(i)), arrays[i].size());
      pointers.push_back(arrays[i].data());
    }
    launches(Operands(pointers));
    for (std::size_t i = 0; i < specs_.size(); ++i) {
      if (specs_[i].role == Role::kInput) continue;
      copy_bytes(host.get<void>(static_cast<int>(i)), arrays[i].data(), arrays[i].size());
    }
  }

  std::vector<TensorSpec> specs_;
  DeviceRun device_run_;
};

#if defined(__CUDACC__) && defined(SB_HAVE_PTX)
// A kernel whose launches go to the interpreter.
class InterpretedKernel final : public Kernel {
 public:
  InterpretedKernel(std::unique_ptr<Kernel> kernel, int arch)
      : kernel_(std::move(kernel)), arch_(arch) {}
  void prepare(const Operands& host) override {
    const ptx::Interpreted interpreted(arch_);
    kernel_->prepare(host);
  }
  void run(const Operands& host) override {
    const ptx::Interpreted interpreted(arch_);
    kernel_->run(host);
  }

 private:
  std::unique_ptr<Kernel> kernel_;
  int arch_;
};

// A kernel of `op` whose launches are interpreted as PTX of one architecture.
inline std::unique_ptr<Kernel> interpreted_kernel(
    const char* op, const Problem& problem, int arch,
    const std::function<DeviceRun(const Problem&)>& prepare) {
  const ptx::Interpreted interpreted(arch);
  return std::make_unique<InterpretedKernel>(
      std::make_unique<DeviceKernel>(Registry::instance().find_operation(op)->tensors(problem),
                                     prepare(problem)),
      arch);
}

// The variant as nvcc's PTX for one architecture, run by the interpreter.
inline Variant interpreted(Variant variant, Isa isa, int arch) {
  variant.isa = isa;
  variant.device = Device::kPtx;
  if (variant.why_not) {  // which may ask what the device has
    variant.why_not = [own = std::move(variant.why_not), arch](const Problem& problem) {
      const ptx::Interpreted interpreted(arch);
      return own(problem);
    };
  }
  variant.make = [make = std::move(variant.make), arch](const Problem& problem) {
    const ptx::Interpreted interpreted(arch);
    return std::make_unique<InterpretedKernel>(make(problem), arch);
  };
  return variant;
}
#endif

// Whose kernels a variant launches: those of a library run on a GPU only.
enum class Code { kOurs, kLibrary };

// The last sentence of a variant's .cu file. `prepare` gives what runs a problem. The variant's own
// why_not is asked after the device's.
struct DeviceRegistration {
  DeviceRegistration(Variant variant, std::function<DeviceRun(const Problem&)> prepare,
                     [[maybe_unused]] Code code = Code::kOurs,
                     const char* source = __builtin_FILE()) {
    variant.isa = Isa::kCuda;
    variant.device = kDevice;
    variant.make = [op = variant.op, prepare = std::move(prepare)](const Problem& problem) {
      return std::make_unique<DeviceKernel>(
          Registry::instance().find_operation(op)->tensors(problem), prepare(problem));
    };
#if defined(__CUDACC__) && defined(SB_HAVE_PTX)
    if (code == Code::kOurs) {
      const Registration compute_80(interpreted(variant, Isa::kCompute80, 80), source);
      const Registration compute_90(interpreted(variant, Isa::kCompute90, 90), source);
    }
#endif
    variant.why_not = [own = std::move(variant.why_not)](const Problem& problem) {
      const std::string why = why_no_device();
      return why.empty() && own ? own(problem) : why;
    };
    const Registration registration(std::move(variant), source);
  }
};

}  // namespace on_gpu
}  // namespace sb
