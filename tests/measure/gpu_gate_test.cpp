// Rows of a GPU in the gate: two builds in turns, as for the CPU's, on devices that are made up.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <optional>

#include "fake_operation.h"
#include "measure/gate.h"
#include "measure/prepared_group.h"
#include "tests/fake_gpu.h"

namespace sb {
namespace {

using ::testing::Each;

constexpr int kPairs = 6, kRounds = 4;

// Right on the host, where it is verified; on the device, a call.
struct OnGpu final : Kernel, DeviceWork {
  void run(const Operands& operands) override {
    twice_and([](const float*, float*) {})->run(operands);
  }
  DeviceWork* device_work() override { return this; }
  void enqueue(const Operands&, void* stream) override { static_cast<FakeGpu*>(stream)->call(); }
};

struct GpuBuild {
  double call_ns = 1e5;
  std::vector<std::string> logs;  // of the device, a launch each
};

// What a worker does, in this process.
class InThisProcess final : public GateLaunch {
 public:
  InThisProcess(const Group& group, GpuBuild& build) : group_(group), build_(build) {
    auto gpu = std::make_unique<FakeGpu>();
    gpu->call_ns = build.call_ns;
    fake_ = gpu.get();
    gpu_ = std::move(gpu);
  }
  ~InThisProcess() override { build_.logs.push_back(fake_->log); }

  std::vector<GateGroup> plan() override {
    GateGroup group{.cases = {}, .min_time_s = 1e-6};
    for (const Variant* v : group_.variants) {
      group.cases.push_back({case_name(group_, *v), "", v->device});
    }
    return {group};
  }
  std::vector<std::string> prepare(std::size_t, const std::vector<std::size_t>& cases,
                                   bool verify) override {
    prepared_.emplace(group_, gpu_);
    std::vector<std::string> faults;
    for (const std::size_t i : cases) faults.push_back(prepared_->prepare(i, verify));
    return faults;
  }
  double sample_ns(std::size_t i, std::int64_t calls) override {
    return prepared_->sample_ns(i, calls);
  }
  double warm_up_ns(std::size_t i, std::int64_t calls) override {
    return prepared_->warm_up_ns(i, calls);
  }

 private:
  const Group& group_;
  GpuBuild& build_;
  FakeGpu* fake_;
  std::unique_ptr<Gpu> gpu_;
  std::optional<PreparedGroup> prepared_;
};

class GpuGate : public ::testing::Test {
 protected:
  GpuGate() {
    group_.op = &op_;
    group_.workload = "w";
    group_.variants = {&on_cpu_, &on_gpu_};
  }

  GateRun run() {
    GateOptions options;
    options.pairs = kPairs;
    options.policy.rounds = kRounds;
    options.launch = [this](Side side) {
      return std::make_unique<InThisProcess>(group_, side == Side::kBase ? base_ : head_);
    };
    return run_gate(options);
  }

  Twice op_;
  Variant on_cpu_{.op = "twice", .name = "on_cpu", .make = [](const Problem&) {
                    return twice_and([](const float*, float*) {});
                  }};
  Variant on_gpu_{.op = "twice",
                  .name = "on_gpu",
                  .isa = Isa::kCuda,
                  .device = Device::kCuda,
                  .make = [](const Problem&) { return std::make_unique<OnGpu>(); }};
  Group group_;
  GpuBuild base_, head_;
};

TEST_F(GpuGate, ComparesTheTimesOfTheDevice) {
  head_.call_ns = 1.25e5;
  const GateRun result = run();
  ASSERT_EQ(result.rows.size(), 2u);
  const GateRow& row = result.rows[1];
  EXPECT_EQ(row.base_fault + row.head_fault, "");
  ASSERT_EQ(row.log_ratios.size(), std::size_t{kPairs});
  for (const double ratio : row.log_ratios) EXPECT_NEAR(ratio, std::log(1.25), 1e-12);
  EXPECT_THAT(row.base_ns, Each(1e5));
}

TEST_F(GpuGate, ComparesRowsOfTheCpuBesideThem) {
  const GateRun result = run();
  EXPECT_EQ(result.rows[0].base_fault + result.rows[0].head_fault, "");
  EXPECT_EQ(result.rows[0].log_ratios.size(), std::size_t{kPairs});
}

TEST_F(GpuGate, BlocksTheDeviceForEverySampleThatCountsAndForNoneBefore) {
  run();
  ASSERT_EQ(base_.logs.size(), std::size_t{kPairs});
  // A call each to calibrate (the base's first launch) and to warm up, then the rounds.
  base_.logs.erase(base_.logs.begin());
  EXPECT_THAT(base_.logs, Each("(kr)wb(kr)wb(kr)wb(kr)wb(kr)w"));
  EXPECT_THAT(head_.logs, Each("(kr)wb(kr)wb(kr)wb(kr)wb(kr)w"));
}

TEST_F(GpuGate, SaysWhyADeviceCannotTakeTheOperandsAndKeepsTheOtherRow) {
  on_gpu_.make = [](const Problem&) -> std::unique_ptr<Kernel> {
    throw std::runtime_error("out of memory");
  };
  const GateRun result = run();
  EXPECT_EQ(result.rows[1].base_fault, "crashed: out of memory");
  EXPECT_EQ(result.rows[0].log_ratios.size(), std::size_t{kPairs});
}

TEST_F(GpuGate, LetsALostDeviceThroughToWhoeverCanStartAnotherProcess) {
  on_gpu_.make = [](const Problem&) -> std::unique_ptr<Kernel> {
    throw DeviceLost("an illegal memory access was encountered");
  };
  std::unique_ptr<Gpu> gpu = std::make_unique<FakeGpu>();
  PreparedGroup prepared(group_, gpu);
  EXPECT_THROW(prepared.prepare(1, true), DeviceLost);
}

}  // namespace
}  // namespace sb
