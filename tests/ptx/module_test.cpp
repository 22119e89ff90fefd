// What the interpreter refuses, complains about and counts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "ptx/counts.h"
#include "tests/ptx/kernel_text.h"

namespace sb::ptx {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

std::string why_refused(const std::string& body) {
  try {
    Module(kernel_text(body)).kernel("k");
  } catch (const Refused& why) {
    return why.what();
  }
  return "";
}

TEST(Modules, RefuseUnknownOpcodesAtLoad) {
  EXPECT_THAT(why_refused("wgmma.fence.sync.aligned;"),
              HasSubstr("wgmma.fence.sync.aligned: unknown opcode"));
}

TEST(Modules, RefuseUnknownFormsOfKnownOpcodes) {
  for (const char* form :
       {"add.sat.s32 %x0, %x1, %x2;", "add.rz.f32 %x0, %x1, %x2;", "cvt.rz.f32.s32 %x0, %x1;",
        "ld.volatile.global.u32 %x0, [%x1];",
        "mma.sync.aligned.m16n8k8.row.col.f32.bf16.bf16.f32 {%x0, %x1, %x2, %x3}, "
        "{%x4, %x5}, {%x6}, {%x7, %x8, %x9, %x10};",
        "ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%x0, %x1}, [%x2];",
        "setp.lt.s32 %x0|%x1, %x2, %x3;", "bar.arrive 0, 32;",
        "atom.global.max.f32 %x0, [%x1], %x2;"}) {
    EXPECT_THAT(why_refused(form), HasSubstr("unknown form of the opcode")) << form;
  }
}

TEST(Modules, RefuseOperandsThatNobodyDeclared) {
  EXPECT_THAT(why_refused("add.s32 %x0, %y1, 2;"), HasSubstr("no operand: %y1"));
  EXPECT_THAT(why_refused("mov.u32 %x0, %clock;"), HasSubstr("no operand: %clock"));
  EXPECT_THAT(why_refused("add.s32 %x0, %x1;"), HasSubstr("unknown operands"));
  EXPECT_THAT(why_refused("bra $nowhere;"), HasSubstr("unknown branch"));
}

TEST(Modules, RefuseKernelsThatCallFunctions) {
  const Module module(".func (.param .b32 r) f()\n{\nret;\n}\n" + kernel_text("call.uni f;"));
  EXPECT_THAT([&] { module.kernel("k"); },
              ::testing::ThrowsMessage<Refused>(HasSubstr("call.uni f: unknown opcode")));
}

TEST(Modules, NameTheCudaSourceOfALine) {
  const Module module(kernel_text(".loc 1 42 0\nbra $nowhere;") + ".file 1 \"/src/kernel.cuh\"\n");
  EXPECT_THAT([&] { module.kernel("k"); },
              ::testing::ThrowsMessage<Refused>(HasSubstr("kernel.cuh:42: bra $nowhere")));
}

TEST(Launches, DemandTheKernelsParameters) {
  const Module module(kernel_text(""));
  const int narrow = 1;
  EXPECT_THROW(launch(module.kernel("k"), {}, {}, {Argument{&narrow, sizeof narrow}}),
               std::invalid_argument);
  EXPECT_THROW(launch(module.kernel("k"), {}, {}, {}), std::invalid_argument);
}

TEST(Launches, ReportAccessesOutsideOfMemory) {
  EXPECT_THAT(run("st.global.u32 [%out+8], 1;").report.errors,
              Contains(HasSubstr("out of bounds")));
  EXPECT_THAT(run("st.shared.u32 [array+1024], 1;").report.errors,
              Contains(HasSubstr("out of bounds")));
  EXPECT_THAT(run("ld.global.u32 %x0, [0];").report.errors,
              Contains(HasSubstr("host memory: a read")));
  EXPECT_THAT(run("st.global.u32 [%out+2], 1;").report.errors, Contains(HasSubstr("misaligned")));
}

TEST(Launches, ReportRacesWithTheInstruction) {
  const std::string race = "st.shared.u32 [array], %t;";
  EXPECT_THAT(run(race, 2).report.errors, Contains(HasSubstr("st.shared.u32 [array], %t")));
  const std::string unordered =
      "mul.wide.u32 %x1, %t, 4; mov.u64 %x2, array; add.u64 %x1, %x1, %x2; st.shared.u32 [%x1], "
      "%t; ";
  EXPECT_THAT(run(unordered + "ld.shared.u32 %x0, [array];", 64).report.errors,
              Contains(HasSubstr("read after write")));
  EXPECT_TRUE(run(unordered + "bar.sync 0; ld.shared.u32 %x0, [array];", 64).report.ok());
  EXPECT_THAT(run("ld.shared.u32 %x0, [array];").report.errors,
              Contains(HasSubstr("what nobody wrote")));
}

TEST(Launches, EndEndlessLoops) {
  const std::uint64_t before = std::exchange(step_limit(), 1000);
  EXPECT_THAT(run("$L: bra $L;").report.errors, Contains(HasSubstr("endless loop")));
  step_limit() = before;
}

// The counts of the instruction that begins with `opcode`.
InstructionCounts counted(const std::string& opcode, const std::string& body,
                          unsigned threads = 32) {
  const Recorder recorder;
  EXPECT_TRUE(run(body, threads).report.ok());
  const auto& all = recorder.kernels().at("k").instructions;
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const auto& i) { return i.opcode.starts_with(opcode); });
  return found == all.end() ? InstructionCounts{} : *found;
}

// Lane t stores `bytes` at array + t * stride.
std::string strided(unsigned stride, const std::string& store) {
  return "mul.wide.u32 %x1, %t, " + std::to_string(stride) +
         "; mov.u64 %x2, array; add.u64 %x1, %x1, %x2; " + store;
}

TEST(Counts, BankConflictsAreWavefrontsAboveTheIdeal) {
  const auto wavefronts = [](unsigned stride, const std::string& store) {
    const InstructionCounts c = counted("st.shared", strided(stride, store));
    EXPECT_EQ(c.shared_requests, 1u);
    return std::pair(c.wavefronts, c.ideal_wavefronts);
  };
  EXPECT_EQ(wavefronts(4, "st.shared.u32 [%x1], %t;"), std::pair(1ul, 1ul));
  EXPECT_EQ(wavefronts(8, "st.shared.u32 [%x1], %t;"), std::pair(2ul, 1ul));
  EXPECT_EQ(wavefronts(32, "st.shared.u32 [%x1], %t;"), std::pair(8ul, 1ul));
  EXPECT_EQ(wavefronts(16, "st.shared.v4.u32 [%x1], {%t, %t, %t, %t};"), std::pair(4ul, 4ul));
  EXPECT_EQ(wavefronts(32, "st.shared.v4.u32 [%x1], {%t, %t, %t, %t};"), std::pair(8ul, 4ul));
}

TEST(Counts, SectorsAreThoseThatAWarpTouches) {
  const InstructionCounts dense = counted("st.global", "st.global.u64 [%out], 1;");
  EXPECT_EQ(dense.sectors, 8u);  // 32 lanes of 8 bytes
  EXPECT_EQ(dense.ideal_sectors, 8u);
  EXPECT_EQ(dense.sectors_written, 8u);
  const InstructionCounts half = counted("st.global", "st.global.u32 [%out], 1;");
  EXPECT_EQ(half.sectors, 8u);
  EXPECT_EQ(half.ideal_sectors, 4u);
}

TEST(Counts, ABlockCountsASectorOnceForReadsAndOnceForWrites) {
  const Recorder recorder;
  run("ld.global.u64 %x0, [%out]; ld.global.u64 %x0, [%out]; st.global.u64 [%out], 1;", 32);
  EXPECT_EQ(recorder.kernels().at("k").total().sectors, 24u);
  EXPECT_EQ(recorder.kernels().at("k").block_sectors, 16u);
}

TEST(Counts, InstructionsAreCountedByWarp) {
  const std::string loop =
      "mov.u32 %x0, 0; $L: add.u32 %x0, %x0, 1; setp.lt.u32 %x1, %x0, 5; @%x1 bra $L;";
  EXPECT_EQ(counted("add.u32", loop, 32).executed, 5u);
  EXPECT_EQ(counted("add.u32", loop, 65).executed, 15u);
}

TEST(Coverage, TellsWhichInstructionsNoThreadReached) {
  const Module module(kernel_text("bra.uni $L; add.u32 %x0, %x0, 1; $L: mov.u32 %x0, 2;"));
  const Kernel& kernel = module.kernel("k");
  auto* memory = simt::device_allocate(8);
  launch(kernel, {}, {}, {Argument{&memory, sizeof memory}});
  simt::device_free(memory);
  const auto at = [&](const char* opcode) {
    return std::find(kernel.opcodes.begin(), kernel.opcodes.end(), opcode) - kernel.opcodes.begin();
  };
  EXPECT_EQ(kernel.executed[static_cast<std::size_t>(at("add.u32"))], 0u);
  EXPECT_EQ(kernel.executed[static_cast<std::size_t>(at("bra.uni"))], 1u);
}

}  // namespace
}  // namespace sb::ptx
