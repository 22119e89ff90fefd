// Every opcode against results worked out by hand from the PTX ISA's text.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "ptx/assemble.h"
#include "tests/ptx/kernel_text.h"

namespace sb::ptx {
namespace {

struct Row {
  const char* instruction;  // its output is %x0; or a few lines that end in such
  Word expected;
};

void PrintTo(const Row& row, std::ostream* out) { *out << row.instruction; }

constexpr Word kMinusOne32 = 0xffffffff;

const Row kRows[] = {
    // integer arithmetic: wraps around
    {"add.s32 %x0, 7, -9;", 0xfffffffe},
    {"add.s64 %x0, -1, 2;", 1},
    {"add.u16 %x0, 65535, 2;", 1},
    {"sub.s32 %x0, 3, 5;", 0xfffffffe},
    {"sub.u64 %x0, 0, 1;", ~Word{0}},
    {"mul.lo.s32 %x0, 65536, 65537;", 65536},
    {"mul.hi.u32 %x0, 0x80000000, 6;", 3},
    {"mul.hi.s32 %x0, -1, 2;", kMinusOne32},
    {"mul.hi.u64 %x0, 0x8000000000000000, 6;", 3},
    {"mul.wide.s32 %x0, -3, 5;", static_cast<Word>(-15)},
    {"mul.wide.u32 %x0, 0xffffffff, 2;", 0x1fffffffe},
    {"mul.wide.u16 %x0, 65535, 65535;", 0xfffe0001},
    {"mad.lo.s32 %x0, 3, 4, 5;", 17},
    {"mad.wide.s32 %x0, -3, 4, 5;", static_cast<Word>(-7)},
    {"div.s32 %x0, -7, 2;", 0xfffffffd},
    {"div.u32 %x0, 7, 2;", 3},
    {"rem.s32 %x0, -7, 2;", kMinusOne32},
    {"rem.u32 %x0, 7, 4;", 3},
    {"min.s32 %x0, -1, 1;", kMinusOne32},
    {"min.u32 %x0, -1, 1;", 1},
    {"max.s32 %x0, -1, 1;", 1},
    {"max.u64 %x0, 5, 9;", 9},
    {"neg.s32 %x0, 1;", kMinusOne32},
    {"abs.s32 %x0, -5;", 5},
    // floating point
    {"add.f32 %x0, 0f3F800000, 0f40000000;", 0x40400000},                 // 1 + 2
    {"sub.f32 %x0, 0f3F800000, 0f40000000;", 0xbf800000},                 // 1 - 2
    {"mul.f32 %x0, 0f40400000, 0f40000000;", 0x40c00000},                 // 3 * 2
    {"mul.ftz.f32 %x0, 0f00000001, 0f3F800000;", 0},                      // a subnormal is zero
    {"fma.rn.f32 %x0, 0f40400000, 0f40000000, 0f3F800000;", 0x40e00000},  // 3 * 2 + 1
    // (1 + 2^-23)(1 - 2^-23) - 1 = -2^-46: the product is not rounded
    {"fma.rn.f32 %x0, 0f3F800001, 0f3F7FFFFE, 0fBF800000;", 0xa8800000},
    {"fma.rm.f32 %x0, 0f3F800000, 0f33000000, 0f3F800000;", 0x3f800000},  // 1 + 2^-25, down
    {"fma.rm.f32 %x0, 0f3F800000, 0fB3000000, 0f3F800000;", 0x3f7fffff},  // 1 - 2^-25, down
    {"add.f64 %x0, 0d3FF0000000000000, 0d4000000000000000;", 0x4008000000000000},
    {"fma.rn.f64 %x0, 0d4000000000000000, 0d4000000000000000, 0d3FF0000000000000;",
     0x4014000000000000},
    {"div.rn.f32 %x0, 0f3F800000, 0f40400000;", 0x3eaaaaab},  // 1 / 3
    {"div.full.f32 %x0, 0f40C00000, 0f40000000;", 0x40400000},
    {"min.f32 %x0, 0f7FC00000, 0f3F800000;", 0x3f800000},  // of NaN and 1
    {"max.f32 %x0, 0fBF800000, 0f7FC00000;", 0xbf800000},
    {"neg.f32 %x0, 0f3F800000;", 0xbf800000},
    {"abs.f32 %x0, 0fBF800000;", 0x3f800000},
    {"rcp.rn.f32 %x0, 0f40800000;", 0x3e800000},
    {"rcp.rn.f64 %x0, 0d4010000000000000;", 0x3fd0000000000000},
    {"rcp.approx.ftz.f64 %x0, 0d4010000000000000;", 0x3fd0000000000000},
    {"sqrt.rn.f32 %x0, 0f40800000;", 0x40000000},
    {"rsqrt.approx.f32 %x0, 0f40800000;", 0x3f000000},
    {"ex2.approx.ftz.f32 %x0, 0f40400000;", 0x41000000},  // 2^3
    {"ex2.approx.ftz.f32 %x0, 0fFF800000;", 0},           // 2^-inf
    {"lg2.approx.f32 %x0, 0f41000000;", 0x40400000},
    {"sin.approx.f32 %x0, 0f00000000;", 0},
    {"cos.approx.f32 %x0, 0f00000000;", 0x3f800000},
    // bits
    {"and.b32 %x0, 12, 10;", 8},
    {"or.b64 %x0, 12, 3;", 15},
    {"xor.b32 %x0, 12, 10;", 6},
    {"not.b32 %x0, 0;", kMinusOne32},
    {"not.b16 %x0, 1;", 0xfffe},
    {"shl.b32 %x0, 3, 31;", 0x80000000},
    {"shl.b32 %x0, 3, 32;", 0},
    {"shr.u32 %x0, 0x80000000, 31;", 1},
    {"shr.s32 %x0, 0x80000000, 31;", kMinusOne32},
    {"shr.s32 %x0, 0x80000000, 99;", kMinusOne32},
    {"shr.u64 %x0, 0x8000000000000000, 63;", 1},
    {"shf.l.wrap.b32 %x0, 0x80000000, 1, 1;", 3},
    {"shf.r.wrap.b32 %x0, 2, 1, 1;", 0x80000001},
    {"bfi.b32 %x0, 5, 0xff, 4, 3;", 0xdf},
    {"bfe.u32 %x0, 0xabcd, 4, 8;", 0xbc},
    {"prmt.b32 %x0, 0x33221100, 0x77665544, 0x7531;", 0x77553311},
    {"prmt.b32 %x0, 0x00000080, 0, 0x8888;", kMinusOne32},
    {"lop3.b32 %x0, 12, 10, 9, 0x80;", 8},   // a & b & c
    {"lop3.b32 %x0, 12, 10, 9, 0x96;", 15},  // a ^ b ^ c
    {"popc.b32 %x0, 0xff00;", 8},
    {"clz.b32 %x0, 1;", 31},
    {"clz.b64 %x0, 1;", 63},
    {"brev.b32 %x0, 1;", 0x80000000},
    {"mov.u32 %x0, 5;", 5},
    {"mov.b64 %x0, {1, 2};", 0x200000001},
    {"mov.b32 {%x1, %x0}, 0x12345678;", 0x1234},
    {"mov.u32 %x0, %ntid.x;", 2},
    // comparison and selection; a NaN is unordered
    {"setp.lt.s32 %x0, -1, 1;", 1},
    {"setp.lt.u32 %x0, -1, 1;", 0},
    {"setp.hi.u32 %x0, 2, 1;", 1},
    {"setp.ls.u32 %x0, 2, 1;", 0},
    {"setp.eq.s16 %x0, 65537, 1;", 1},
    {"setp.ne.f32 %x0, 0f7FC00000, 0f7FC00000;", 0},
    {"setp.neu.f32 %x0, 0f7FC00000, 0f7FC00000;", 1},
    {"setp.gtu.f32 %x0, 0f7FC00000, 0f3F800000;", 1},
    {"setp.num.f32 %x0, 0f7FC00000, 0f3F800000;", 0},
    {"setp.nan.f32 %x0, 0f7FC00000, 0f3F800000;", 1},
    {"setp.gt.f64 %x0, 0d4000000000000000, 0d3FF0000000000000;", 1},
    {"setp.eq.s32 %x1, 1, 1; setp.eq.and.s32 %x0, 2, 3, %x1;", 0},
    {"setp.eq.s32 %x1, 1, 1; setp.eq.or.s32 %x0, 2, 3, %x1;", 1},
    {"setp.eq.s32 %x1, 1, 2; selp.b32 %x0, 5, 6, %x1;", 6},
    {"setp.eq.s32 %x1, 1, 1; not.pred %x0, %x1;", 0},
    {"setp.eq.s32 %x1, 1, 1; mov.u32 %x0, 3; @%x1 mov.u32 %x0, 4;", 4},
    {"setp.eq.s32 %x1, 1, 1; mov.u32 %x0, 3; @!%x1 mov.u32 %x0, 4;", 3},
    {"mov.u32 %x0, 1; bra.uni $L1; mov.u32 %x0, 2; $L1: add.u32 %x0, %x0, 8;", 9},
    // conversion
    {"cvt.s64.s32 %x0, -2;", static_cast<Word>(-2)},
    {"cvt.u64.u32 %x0, -2;", 0xfffffffe},
    {"cvt.u16.u32 %x0, 0x12345;", 0x2345},
    {"cvt.s32.s8 %x0, 0xff;", kMinusOne32},
    {"cvt.rn.f32.s32 %x0, -3;", 0xc0400000},
    {"cvt.rn.f32.u32 %x0, 0xffffffff;", 0x4f800000},
    {"cvt.rzi.s32.f32 %x0, 0fC0200000;", 0xfffffffe},  // -2.5
    {"cvt.rmi.s32.f32 %x0, 0fC0200000;", 0xfffffffd},
    {"cvt.rpi.s32.f32 %x0, 0f40200000;", 3},
    {"cvt.rni.s32.f32 %x0, 0f40200000;", 2},  // ties to even
    {"cvt.rzi.s32.f32 %x0, 0f7FC00000;", 0},
    {"cvt.rzi.u32.f32 %x0, 0fBF800000;", 0},
    {"cvt.rni.f32.f32 %x0, 0f40200000;", 0x40000000},
    {"cvt.sat.f32.f32 %x0, 0f40000000;", 0x3f800000},
    {"cvt.sat.f32.f32 %x0, 0f7FC00000;", 0},
    {"cvt.f64.f32 %x0, 0f3F800000;", 0x3ff0000000000000},
    {"cvt.rn.f32.f64 %x0, 0d3FF0000000000000;", 0x3f800000},
    {"cvt.rn.f16.f32 %x0, 0f3F800000;", 0x3c00},
    {"cvt.f32.f16 %x0, 0x3c00;", 0x3f800000},
    {"cvt.rn.bf16.f32 %x0, 0f3F808000;", 0x3f80},  // ties to even
    {"cvt.f32.bf16 %x0, 0x3f80;", 0x3f800000},
    {"cvt.rn.f16x2.f32 %x0, 0f3F800000, 0f40000000;", 0x3c004000},
    {"cvt.rn.bf16x2.f32 %x0, 0f3F800000, 0f40000000;", 0x3f804000},
    // memory
    {"st.shared.u32 [array], -1; ld.shared.u32 %x0, [array];", kMinusOne32},
    {"st.shared.u8 [array+3], 0x80; ld.shared.s8 %x0, [array+3];", static_cast<Word>(-128)},
    {"st.shared.u16 [array+2], 0x1ffff; ld.shared.u16 %x0, [array+2];", 0xffff},
    {"st.shared.v2.u32 [array+8], {1, 2}; ld.shared.u64 %x0, [array+8];", 0x200000001},
    {"st.shared.v4.u32 [array], {1, 2, 3, 4}; ld.shared.v4.u32 {%x1, %x2, %x0, %x3}, [array];", 3},
    {"mov.u32 %x1, array; st.shared.u32 [%x1+4], 7; ld.shared.u32 %x0, [array+4];", 7},
    {"st.shared.u32 [array], 9; mov.u64 %x1, array; cvta.shared.u64 %x2, %x1; ld.u32 %x0, [%x2];",
     9},
    {"mov.u64 %x1, array; cvta.shared.u64 %x2, %x1; cvta.to.shared.u64 %x3, %x2; sub.u64 %x0, %x3, "
     "%x1;",
     0},
    {"mov.b64 %x1, p0; ld.param.u64 %x2, [%x1]; sub.u64 %x0, %x2, %out;", 0},
    {"cvta.to.global.u64 %x1, %out; st.global.u64 [%x1], 6; ld.global.nc.u64 %x0, [%out];", 6},
    {"st.global.u64 [%out], 6; atom.global.add.u64 %x0, [%out], 5;", 6},
    {"st.global.u64 [%out], 6; red.global.add.u32 [%out], 5; ld.global.u64 %x0, [%out];", 11},
    {"st.shared.u32 [array], 3; atom.shared.min.s32 %x1, [array], -1; ld.shared.u32 %x0, [array];",
     kMinusOne32},
    {"st.shared.u32 [array], 3; atom.shared.max.u32 %x1, [array], -1; ld.shared.u32 %x0, [array];",
     kMinusOne32},
    {"st.shared.u32 [array], 3; atom.shared.exch.b32 %x0, [array], 4;", 3},
    {"st.shared.u32 [array], 3; atom.shared.cas.b32 %x1, [array], 3, 8; ld.shared.u32 %x0, "
     "[array];",
     8},
    {"st.shared.u32 [array], 3; atom.shared.cas.b32 %x1, [array], 4, 8; ld.shared.u32 %x0, "
     "[array];",
     3},
    {"st.shared.u32 [array], 3; atom.shared.inc.u32 %x1, [array], 3; ld.shared.u32 %x0, [array];",
     0},
    {"st.shared.u32 [array], 12; atom.shared.and.b32 %x1, [array], 10; ld.shared.u32 %x0, [array];",
     8},
    {"st.shared.u32 [array], 12; atom.shared.or.b32 %x1, [array], 3; ld.shared.u32 %x0, [array];",
     15},
    {"st.shared.u32 [array], 12; atom.shared.xor.b32 %x1, [array], 10; ld.shared.u32 %x0, [array];",
     6},
    {"st.shared.f32 [array], 0f3F800000; atom.shared.add.f32 %x1, [array], 0f40000000; "
     "ld.shared.u32 %x0, [array];",
     0x40400000},
    {"st.release.gpu.global.u32 [%out], 5; ld.acquire.gpu.global.u32 %x0, [%out];", 5},
    {"mov.u32 %x0, 1; membar.gl; fence.acq_rel.gpu;", 1},
    // cp.async lands at the wait; with 0 bytes it leaves zeros
    {"st.global.u64 [%out], 6; st.global.u64 [%out+8], 0; mov.u32 %x1, array; mov.u32 %x2, 16; "
     "cp.async.cg.shared.global [%x1], [%out], 16, %x2; cp.async.commit_group; "
     "cp.async.wait_group 0; ld.shared.u64 %x0, [array];",
     6},
    {"mov.u32 %x1, array; mov.u32 %x2, 0; cp.async.cg.shared.global [%x1], [%out], 16, %x2; "
     "cp.async.commit_group; cp.async.wait_group 0; ld.shared.u64 %x0, [array];",
     0},
};

class Opcodes : public ::testing::TestWithParam<Row> {};
INSTANTIATE_TEST_SUITE_P(Ptx, Opcodes, ::testing::ValuesIn(kRows));

TEST_P(Opcodes, GiveWhatTheIsaSays) {
  // Two threads' worth of memory for the copies of 16 bytes; the second one does nothing.
  const std::string body = "setp.ne.u32 %x39, %t, 0; @%x39 ret; " +
                           std::string(GetParam().instruction) + " st.global.u64 [%out], %x0;";
  const Outcome done = run(body, 2);
  EXPECT_THAT(done.report.errors, ::testing::IsEmpty());
  EXPECT_EQ(done.results[0], GetParam().expected);
}

// What lane `lane` of a warp gets in %x0.
struct WarpRow {
  const char* body;
  unsigned lane;
  Word expected;
};
void PrintTo(const WarpRow& row, std::ostream* out) { *out << row.body << " lane " << row.lane; }

// c = (32 - width) << 8 | clamp: 0x181f is a width of 8, 0x1f of 32; up has a clamp of 0.
const WarpRow kWarpRows[] = {
    {"shfl.sync.bfly.b32 %x0|%x1, %t, 16, 0x1f, -1;", 3, 19},
    {"shfl.sync.down.b32 %x0|%x1, %t, 2, 0x1f, -1;", 3, 5},
    {"shfl.sync.down.b32 %x0|%x1, %t, 2, 0x1f, -1;", 31, 31},
    {"shfl.sync.down.b32 %x1|%x0, %t, 2, 0x1f, -1;", 31, 0},
    {"shfl.sync.down.b32 %x0|%x1, %t, 2, 0x181f, -1;", 7, 7},
    {"shfl.sync.up.b32 %x0|%x1, %t, 2, 0, -1;", 3, 1},
    {"shfl.sync.up.b32 %x1|%x0, %t, 2, 0, -1;", 1, 0},
    {"shfl.sync.idx.b32 %x0, %t, 5, 0x1f, -1;", 3, 5},
    {"shfl.sync.idx.b32 %x0, %t, 2, 0x181f, -1;", 11, 10},
    {"setp.lt.u32 %x1, %t, 4; vote.sync.ballot.b32 %x0, %x1, -1;", 9, 15},
    {"setp.lt.u32 %x1, %t, 4; vote.sync.any.pred %x0, %x1, -1;", 9, 1},
    {"setp.lt.u32 %x1, %t, 4; vote.sync.all.pred %x0, %x1, -1;", 9, 0},
    {"mov.u32 %x0, %laneid;", 17, 17},
    {"mul.wide.u32 %x1, %t, 4; mov.u64 %x2, array; add.u64 %x1, %x1, %x2; st.shared.u32 [%x1], %t; "
     "bar.warp.sync -1; ld.shared.u32 %x0, [array+20];",
     2, 5},
    {"mul.wide.u32 %x1, %t, 4; mov.u64 %x2, array; add.u64 %x1, %x1, %x2; st.shared.u32 [%x1], %t; "
     "barrier.sync 0; ld.shared.u32 %x0, [array+20];",
     2, 5},
    // A of ones, B of ones, C = 1: each element is 16 + 1 (bf16 0x3f80, f16 0x3c00)
    {"mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%x0, %x1, %x2, %x3}, "
     "{0x3f803f80, 0x3f803f80, 0x3f803f80, 0x3f803f80}, {0x3f803f80, 0x3f803f80}, "
     "{0f3F800000, 0f3F800000, 0f3F800000, 0f3F800000};",
     13, 0x41880000},
    {"mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%x0, %x1, %x2, %x3}, "
     "{0x3c003c00, 0x3c003c00, 0x3c003c00, 0x3c003c00}, {0x3c003c00, 0x3c003c00}, "
     "{0f3F800000, 0f3F800000, 0f3F800000, 0f3F800000};",
     13, 0x41880000},
    // Row i of the matrices at array + 16 i, whose halves are all i: lane 13 holds row 13 / 4 = 3
    // of matrix 0; transposed, columns 2 (13 % 4) = 2 and 3 of it.
    {"mul.wide.u32 %x1, %t, 16; mov.u64 %x2, array; add.u64 %x1, %x1, %x2; "
     "mad.lo.u32 %x3, %t, 65536, %t; st.shared.v4.u32 [%x1], {%x3, %x3, %x3, %x3}; bar.sync 0; "
     "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%x0, %x4, %x5, %x6}, [%x1];",
     13, 0x30003},
    {"mul.wide.u32 %x1, %t, 16; mov.u64 %x2, array; add.u64 %x1, %x1, %x2; "
     "mad.lo.u32 %x3, %t, 65536, %t; st.shared.v4.u32 [%x1], {%x3, %x3, %x3, %x3}; bar.sync 0; "
     "ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%x0, %x4, %x5, %x6}, [%x1];",
     13, 0x30002},
};

class WarpOpcodes : public ::testing::TestWithParam<WarpRow> {};
INSTANTIATE_TEST_SUITE_P(Ptx, WarpOpcodes, ::testing::ValuesIn(kWarpRows));

TEST_P(WarpOpcodes, GiveWhatTheIsaSays) {
  const Outcome done = run(std::string(GetParam().body) + " st.global.u64 [%out], %x0;", 32);
  EXPECT_THAT(done.report.errors, ::testing::IsEmpty());
  EXPECT_EQ(done.results[GetParam().lane], GetParam().expected);
}

// The names at the beginnings of the tables' instructions.
std::set<std::string> tested_opcodes() {
  std::set<std::string> names = {"ret", "exit", "trap"};  // below
  const auto add = [&](std::string text) {
    for (std::size_t at = 0; at < text.size(); at = text.find_first_of(";:", at) + 1) {
      at = text.find_first_not_of(" ", at);
      if (at == std::string::npos) break;
      if (text[at] == '@') at = text.find(' ', at) + 1;
      names.insert(text.substr(at, text.find_first_of(". ;:", at) - at));
      if (text.find_first_of(";:", at) == std::string::npos) break;
    }
  };
  for (const Row& row : kRows) add(row.instruction);
  for (const WarpRow& row : kWarpRows) add(row.body);
  return names;
}

TEST(OpcodeTables, HoldNoOpcodeThatIsNotTested) {
  const std::set<std::string> tested = tested_opcodes();
  for (const auto table : {arithmetic_opcodes(), bit_opcodes(), comparison_opcodes(),
                           conversion_opcodes(), memory_opcodes(), warp_opcodes()}) {
    for (const Opcode& opcode : table)
      EXPECT_TRUE(tested.contains(std::string(opcode.name))) << opcode.name;
  }
}

TEST(Threads, EndAtRetExitAndTrap) {
  EXPECT_EQ(run("st.global.u64 [%out], 1; exit; st.global.u64 [%out], 2;").results[0], 1u);
  const Outcome trapped = run("st.global.u64 [%out], 1; trap; st.global.u64 [%out], 2;");
  EXPECT_EQ(trapped.results[0], 1u);
  EXPECT_THAT(trapped.report.errors, ::testing::Contains(::testing::HasSubstr("trap")));
}

}  // namespace
}  // namespace sb::ptx
