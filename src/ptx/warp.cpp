// Barriers, shuffles, votes, matrix products, and the end of a thread. PTX ISA, "parallel
// synchronization and communication", "warp level matrix instructions", "control flow".
#include <bit>

#include "ptx/handlers.h"
#include "simt/device_runtime.h"

namespace sb::ptx {
namespace {

void sync_threads(Frame& frame, const Instruction& i) {
  if (get<std::uint32_t>(frame, i.slots[0]) != 0) {
    simt::report_error(std::string("named barriers are unknown here: ") + i.site);
    simt::end_thread();
  }
  simt::sync_threads(i.site);
}
void sync_warp(Frame& frame, const Instruction& i) {
  simt::sync_warp(get<std::uint32_t>(frame, i.slots[0]), i.site);
}
bool bind_bar(Modifiers& m, Instruction& i) {
  m.take("aligned");
  const bool warp = m.take("warp");
  if (m.take("sync")) i.execute = warp ? &sync_warp : &sync_threads;
  return true;
}

// shfl.sync d|p, a, b, c, mask. c = (32 - width) << 8 | clamp. p: was the source in the segment?
bool in_segment(simt::Shuffle kind, int lane, int argument, int width) {
  const int base = lane & ~(width - 1);
  switch (kind) {
    case simt::Shuffle::kUp:
      return lane - argument >= base;
    case simt::Shuffle::kDown:
      return lane + argument < base + width;
    case simt::Shuffle::kXor:
      return (lane ^ argument) < base + width;
    default:
      return true;
  }
}
void shuffle(Frame& frame, const Instruction& i) {
  const unsigned outputs = i.two_outputs ? 2 : 1;
  const auto value = get<std::uint32_t>(frame, i.slots[outputs]);
  const auto argument = static_cast<int>(get<std::uint32_t>(frame, i.slots[outputs + 1]) & 31u);
  const int width =
      32 - static_cast<int>(get<std::uint32_t>(frame, i.slots[outputs + 2]) >> 8 & 31u);
  const auto kind = static_cast<simt::Shuffle>(i.detail);
  std::uint32_t result = 0;
  simt::shuffle(kind, get<std::uint32_t>(frame, i.slots[outputs + 3]), &value, &result,
                sizeof value, argument, width, i.site);
  put(frame, i.slots[0], result);
  if (i.two_outputs) {
    put(frame, i.slots[1], in_segment(kind, static_cast<int>(simt::self().lane), argument, width));
  }
}
bool bind_shfl(Modifiers& m, Instruction& i) {
  constexpr std::string_view kKinds[] = {"idx", "up", "down", "bfly"};  // as simt::Shuffle
  const auto kind = m.take_one_of(kKinds);
  if (!kind || !m.take("sync") || m.take_type() != Type::kU32) return false;
  i.detail = *kind;
  i.execute = &shuffle;
  return true;
}

// vote.sync: ballot (a word), any and all (predicates).
enum Vote { kBallot, kAny, kAll };
void vote(Frame& frame, const Instruction& i) {
  const auto mask = get<std::uint32_t>(frame, i.slots[2]);
  const std::uint32_t votes = simt::ballot(mask, get<bool>(frame, i.slots[1]), i.site);
  if (i.detail == kBallot) return put(frame, i.slots[0], votes);
  put(frame, i.slots[0], i.detail == kAny ? votes != 0 : votes == mask);
}
bool bind_vote(Modifiers& m, Instruction& i) {
  constexpr std::string_view kKinds[] = {"ballot", "any", "all"};
  const auto kind = m.take_one_of(kKinds);
  const Type type = m.take_type();
  if (!kind || !m.take("sync") || type != (*kind == kBallot ? Type::kU32 : Type::kPred))
    return false;
  i.detail = *kind;
  i.execute = &vote;
  return true;
}

// mma.sync.aligned.m16n8k16.row.col.f32.{bf16,f16}.{bf16,f16}.f32 {d}, {a}, {b}, {c}
void multiply_matrices(Frame& frame, const Instruction& i) {
  std::uint32_t a[4], b[2];
  float c[4];
  for (unsigned k = 0; k < 4; ++k) a[k] = get<std::uint32_t>(frame, i.slots[4 + k]);
  for (unsigned k = 0; k < 2; ++k) b[k] = get<std::uint32_t>(frame, i.slots[8 + k]);
  for (unsigned k = 0; k < 4; ++k) c[k] = get<float>(frame, i.slots[10 + k]);
  simt::multiply_matrices(static_cast<simt::Half>(i.detail), a, b, c, i.site);
  for (unsigned k = 0; k < 4; ++k) put(frame, i.slots[k], c[k]);
}
bool bind_mma(Modifiers& m, Instruction& i) {
  for (const char* word : {"sync", "aligned", "m16n8k16", "row", "col"}) {
    if (!m.take(word)) return false;
  }
  const Type d = m.take_type(), a = m.take_type(), b = m.take_type(), c = m.take_type();
  if (d != Type::kF32 || c != Type::kF32 || a != b || (a != Type::kBf16 && a != Type::kF16))
    return false;
  i.detail = static_cast<int>(a == Type::kBf16 ? simt::Half::kBf16 : simt::Half::kF16);
  i.execute = &multiply_matrices;
  return true;
}

void finish(Frame& frame, const Instruction&) { frame.next = SIZE_MAX; }
bool bind_end(Modifiers&, Instruction& i) {
  i.execute = &finish;
  return true;
}

void trap(Frame&, const Instruction& i) {
  simt::report_error(std::string("trap at ") + i.site);
  simt::end_thread();
}
bool bind_trap(Modifiers&, Instruction& i) {
  i.execute = &trap;
  return true;
}

}  // namespace

std::span<const Opcode> warp_opcodes() {
  static constexpr Opcode kTable[] = {
      {"bar", bind_bar, 1, 1},   {"barrier", bind_bar, 1, 1}, {"shfl", bind_shfl, 5, 6},
      {"vote", bind_vote, 3, 3}, {"mma", bind_mma, 14, 14},   {"ret", bind_end, 0, 0},
      {"exit", bind_end, 0, 0},  {"trap", bind_trap, 0, 0},
  };
  return kTable;
}

}  // namespace sb::ptx
