// A variant: one way to compute an operation, and the kernel it makes for a problem.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "core/device_work.h"
#include "core/isa.h"
#include "core/operation.h"

namespace sb {

// What a kernel or its making throws to say how its row ends: skipped, timeout or crashed. Any
// other exception is a crash.
class KernelFailure : public std::runtime_error {
 public:
  KernelFailure(std::string_view status, const std::string& reason)
      : std::runtime_error(reason), status_(status) {}
  const std::string& status() const { return status_; }

 private:
  std::string status_;
};

// Ready to run: plans made, workspace allocated, constant operands packed. Only run() is timed.
class Kernel {
 public:
  virtual ~Kernel() = default;

  // Packs inputs that the problem declares constant over calls (a cached kernel spectrum). Called
  // once before the first run(), never timed; later operand sets hold the same constant inputs.
  virtual void prepare(const Operands&) {}

  // Computes the outputs from the inputs. Called many times, perhaps with other operand sets of
  // the same problem; must not keep anything of one call that the next could profit from.
  virtual void run(const Operands&) = 0;

  virtual std::vector<Metric> metrics() const { return {}; }  // of the last run

  // The same work without run()'s copies, where operands are the device's; null on the CPU.
  virtual DeviceWork* device_work() { return nullptr; }

  // For a kernel that runs elsewhere, where the caller's clock would time the way there too: the
  // name of its own clock (the row's `timer`), and then run_timed() takes the place of run() in
  // measurements. It makes `iterations` calls that go through `sets` in turn, beginning with
  // sets[first], and returns the nanoseconds of all of them together.
  virtual std::string own_timer() const { return ""; }
  virtual double run_timed(const std::vector<Operands>& /*sets*/, std::size_t /*first*/,
                           std::int64_t /*iterations*/) {
    throw std::logic_error("this kernel has no clock of its own");
  }
};

struct Variant {
  std::string op;
  std::string
      name;  // "two_pass"; a streaming-store form ends in "_stream"; a peer has its library's name
  Isa isa = Isa::kScalar;
  Device device = Device::kCpu;
  std::vector<Dtype> dtypes = {Dtype::kF32};
  std::string summary;   // one line: what it adds over the one before
  std::string paper;     // "arXiv:2001.04438 algorithm 3"; empty if none
  bool streams = false;  // writes its outputs with non-temporal stores: another memory roof holds

  // Runs in another process, "torch:flash": the operands of its group lie in shared memory.
  bool external = false;
  std::string versions;  // what its code is, where that is not this program: "torch 2.9.1, ..."

  // Bytes the algorithm itself moves, by its own passes, without write-allocate. Null: compulsory.
  std::function<double(const Problem&)> bytes_algorithm;

  // FLOPs the algorithm executes where that differs from Operation::cost. Null: the operation's.
  std::function<double(const Problem&)> flops_executed;

  // Times the operation's tolerance that its answers may be off by: a library adds up as it likes.
  // Null: 1, as for all that is ours.
  std::function<double(const Problem&)> tolerance_factor;

  // Empty if it can do this problem here, else the reason, which becomes the row's. Null: always.
  std::function<std::string(const Problem&)> why_not;

  // Makes the kernel; all that it may prepare once happens here. Throws std::exception on failure.
  std::function<std::unique_ptr<Kernel>(const Problem&)> make;

  std::string source;  // file that registered it; set by Registration

  std::string full_name() const;  // "softmax/two_pass@avx512"
  double tolerance_factor_for(const Problem& problem) const {
    return tolerance_factor ? tolerance_factor(problem) : 1;
  }
};

// Wraps a callable void(const Operands&) as a Kernel: most kernels need nothing else.
template <typename F>
std::unique_ptr<Kernel> kernel_from(F function) {
  struct FunctionKernel final : Kernel {
    explicit FunctionKernel(F f) : function(std::move(f)) {}
    void run(const Operands& operands) override { function(operands); }
    F function;
  };
  return std::make_unique<FunctionKernel>(std::move(function));
}

}  // namespace sb
