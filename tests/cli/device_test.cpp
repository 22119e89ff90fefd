// The program's devices: CUDA kernels verified on fibers, never timed there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/cli/program.h"

namespace sb {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kOnBothDevices = R"(
name: device
op: softmax
sweep: {rows: [3], cols: [1021]}
variants: ["*"]
)";

class Devices : public ::testing::Test {
 protected:
  Devices() { workspace_.write("w.yaml", kOnBothDevices); }
  Finished run(const std::vector<std::string>& arguments) {
    return workspace_.run(arguments, {}, SB_PROGRAM);
  }
  Workspace workspace_;
};

TEST_F(Devices, FibersVerifyEveryCudaVariant) {
  const Finished done = run({"verify", "w.yaml", "--device", "simt", "--csv", "-"});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr(",online,cuda,simt,f32,"));
  EXPECT_THAT(done.out, HasSubstr("softmax-bench verify --device simt"));
  EXPECT_THAT(done.out, Not(HasSubstr(",cpu,")));
}

TEST_F(Devices, PtxVerifiesEveryCudaVariantForBothArchitectures) {
  const Finished devices = run({"list", "devices"});
  if (devices.out.find("without a CUDA toolkit") != std::string::npos) {
    GTEST_SKIP() << "this program was built without a CUDA toolkit";
  }
  const Finished done = run({"verify", "w.yaml", "--device", "ptx", "--csv", "-"});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr(",online,compute_80,ptx,f32,"));
  EXPECT_THAT(done.out, HasSubstr(",online,compute_90,ptx,f32,"));
  EXPECT_THAT(done.out, HasSubstr("softmax-bench verify --device ptx"));
  EXPECT_THAT(done.out, Not(HasSubstr(",cuda,")));
}

TEST_F(Devices, FibersHaveNoTime) {
  const Finished done = run({"run", "w.yaml", "--device", "simt", "--csv", "-"});
  EXPECT_EQ(done.exit_code, 77);
  EXPECT_THAT(done.out, HasSubstr("skipped,fibers say nothing about time"));
}

TEST_F(Devices, AreListedWithAReason) {
  const Finished done = run({"list", "devices"});
  EXPECT_EQ(done.exit_code, 0);
  EXPECT_THAT(done.out, HasSubstr("simt: "));
  EXPECT_THAT(done.out, HasSubstr("cuda: "));
}

}  // namespace
}  // namespace sb
