// setp, selp, set. PTX ISA, "comparison and selection".
#include <cmath>

#include "ptx/handlers.h"

namespace sb::ptx {
namespace {

// In `detail`: a comparison, and how its result is combined with a further predicate.
enum Comparison { kEq, kNe, kLt, kLe, kGt, kGe, kEqu, kNeu, kLtu, kLeu, kGtu, kGeu, kNum, kNan };
constexpr std::string_view kComparisons[] = {"eq",  "ne",  "lt",  "le",  "gt",  "ge",  "equ",
                                             "neu", "ltu", "leu", "gtu", "geu", "num", "nan"};
constexpr std::string_view kUnsigned[] = {"lo", "ls", "hi", "hs"};  // lt, le, gt, ge
constexpr std::string_view kCombinations[] = {"and", "or", "xor"};
constexpr int kCombination = 16;  // detail = comparison + 16 * (1 + combination)

template <typename T>
bool holds(int comparison, T a, T b) {
  const bool unordered = a != a || b != b;  // never, for integers
  switch (comparison) {
    case kEq:
      return a == b;
    case kNe:
      return !unordered && a != b;
    case kLt:
      return a < b;
    case kLe:
      return a <= b;
    case kGt:
      return a > b;
    case kGe:
      return a >= b;
    case kEqu:
      return unordered || a == b;
    case kNeu:
      return a != b;
    case kLtu:
      return unordered || a < b;
    case kLeu:
      return unordered || a <= b;
    case kGtu:
      return unordered || a > b;
    case kGeu:
      return unordered || a >= b;
    case kNum:
      return !unordered;
    default:
      return unordered;
  }
}

bool combined(int combination, bool a, bool b) {
  switch (combination) {
    case 1:
      return a && b;
    case 2:
      return a || b;
    case 3:
      return a != b;
    default:
      return a;
  }
}

template <typename T>
void set_predicate(Frame& frame, const Instruction& i) {
  const bool compared =
      holds(i.detail % kCombination, get<T>(frame, i.slots[1]), get<T>(frame, i.slots[2]));
  const bool other = get<bool>(frame, i.slots[3]);  // slot 0, which is true, if there is none
  put(frame, i.slots[0], combined(i.detail / kCombination, compared, other));
}

template <typename... Ts>
Execute set_predicate_of(Type type) {
  Execute found = nullptr;
  (void)((type == type_of<Ts>() && (found = &set_predicate<Ts>, true)) || ...);
  return found;
}

bool bind_setp(Modifiers& m, Instruction& i) {
  const auto unsigned_comparison = m.take_one_of(kUnsigned);
  const auto comparison =
      unsigned_comparison ? *unsigned_comparison + int{kLt} : m.take_one_of(kComparisons);
  if (!comparison || i.two_outputs) return false;
  i.detail = *comparison;
  if (const auto combination = m.take_one_of(kCombinations)) {
    i.detail += kCombination * (1 + *combination);
  }
  i.execute = set_predicate_of<std::int16_t, std::uint16_t, std::int32_t, std::uint32_t,
                               std::int64_t, std::uint64_t, float, double>(m.take_type());
  return true;
}

void select(Frame& frame, const Instruction& i) {
  frame.words[i.slots[0]] = frame.words[get<bool>(frame, i.slots[3]) ? i.slots[1] : i.slots[2]];
  if (i.width == 4) put(frame, i.slots[0], get<std::uint32_t>(frame, i.slots[0]));
  if (i.width == 2) put(frame, i.slots[0], get<std::uint16_t>(frame, i.slots[0]));
}
bool bind_selp(Modifiers& m, Instruction& i) {
  const Type type = m.take_type();
  if (type == Type::kNone || type == Type::kPred) return false;
  i.width = static_cast<std::uint8_t>(bytes_of(type));
  i.execute = &select;
  return true;
}

}  // namespace

std::span<const Opcode> comparison_opcodes() {
  static constexpr Opcode kTable[] = {{"setp", bind_setp, 3, 4}, {"selp", bind_selp, 4, 4}};
  return kTable;
}

}  // namespace sb::ptx
