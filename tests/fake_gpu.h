// A GPU that is made up, for tests of what is decided about one.
#pragma once

#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/device_work.h"
#include "machine/gpu.h"

namespace sb {

// Writes down what is done: b block, r release, ( start, k a call, g a graph's replay, ) stop,
// w wait, f flush. A call takes `call_ns`, longer where the clock is lower.
class FakeGpu final : public Gpu {
 public:
  const GpuInfo& info() const override { return info_; }
  std::int64_t free_bytes() const override { return available; }
  void* allocate(std::size_t bytes) override {
    ++allocations;
    return std::malloc(bytes);
  }
  void free(void* memory) noexcept override {
    --allocations;
    std::free(memory);
  }
  void copy(void* to, const void* from, std::size_t bytes) override {
    std::memcpy(to, from, bytes);
  }
  void* stream() override { return this; }
  void flush_l2() override { log += 'f'; }
  void block(double limit_s) override {
    log += 'b';
    blocked_ = true;
    queued_ = 0;
    limit = limit_s;
  }
  void release() override {
    log += 'r';
    blocked_ = false;
  }
  void start() override {
    log += '(';
    stamps_ = {};
  }
  void stop() override { log += ')'; }
  Stamps wait() override {
    log += 'w';
    if (lost) throw DeviceLost("an illegal memory access was encountered");
    stamps_.clock_mhz = clocks.empty() ? 1000 : clocks.front();
    if (!clocks.empty()) clocks.erase(clocks.begin());
    stamps_.ns *= info_.clock_mhz / stamps_.clock_mhz;
    return stamps_;
  }
  std::unique_ptr<GpuRecording> record(const std::function<void()>& enqueue) override {
    if (!records) throw std::runtime_error("operation not permitted when stream is capturing");
    const std::string before = log;
    calls_in_graph = 0;
    enqueue();
    calls_in_graph = static_cast<int>(log.size() - before.size());
    stamps_ = {};
    log = before;
    return std::make_unique<Recording>(*this);
  }

  void call() {
    log += 'k';
    stamps_.ns += call_ns;
    queued_ = blocked_ ? queued_ + 1 : 0;
    if (blocked_ && (waits_for_host || queued_ > queue)) stamps_.block_expired = true;
  }

  GpuInfo info_{.name = "fake", .clock_mhz = 1000, .l2_bytes = 1 << 20};
  std::string log;
  std::vector<double> clocks;  // of the coming samples; then the declared one
  double call_ns = 1e5;
  double limit = 0;
  std::int64_t available = std::int64_t{1} << 30;
  int allocations = 0;
  int calls_in_graph = 0;
  int queue = 1000;  // calls that can be enqueued while nothing runs
  bool records = true;
  bool waits_for_host = false;  // a call does not return before the device has answered
  bool lost = false;

 private:
  struct Recording final : GpuRecording {
    explicit Recording(FakeGpu& of) : gpu(of), calls(of.calls_in_graph) {}
    void replay() override {
      gpu.log += 'g';
      gpu.stamps_.ns += gpu.call_ns * calls;
    }
    FakeGpu& gpu;
    int calls;
  };

  bool blocked_ = false;
  int queued_ = 0;
  Stamps stamps_;
};

}  // namespace sb
