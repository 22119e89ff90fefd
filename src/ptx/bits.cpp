// and, or, xor, not, shifts, bit fields, byte permutations, mov. PTX ISA, "logic and shift", "data
// movement".
#include <bit>

#include "ptx/handlers.h"

namespace sb::ptx {
namespace {

struct And {
  template <typename T>
  static T of(T a, T b) {
    return static_cast<T>(a & b);
  }
};
struct Or {
  template <typename T>
  static T of(T a, T b) {
    return static_cast<T>(a | b);
  }
};
struct Xor {
  template <typename T>
  static T of(T a, T b) {
    return static_cast<T>(a ^ b);
  }
};
struct Not {
  template <typename T>
  static T of(T a) {
    if constexpr (std::is_same_v<T, bool>) {
      return !a;
    } else {
      return static_cast<T>(~a);
    }
  }
};

template <typename F, int kInputs>
bool bind_logic(Modifiers& m, Instruction& i) {
  i.execute =
      for_type<F, kInputs, bool, std::uint16_t, std::uint32_t, std::uint64_t>(m.take_type());
  return true;
}

// Amounts are 32-bit and clamp at the width.
template <typename T>
void shift_left(Frame& frame, const Instruction& i) {
  const auto amount = get<std::uint32_t>(frame, i.slots[2]);
  const T a = get<T>(frame, i.slots[1]);
  put<T>(frame, i.slots[0], amount < 8 * sizeof(T) ? static_cast<T>(a << amount) : T{0});
}
template <typename T>
void shift_right(Frame& frame, const Instruction& i) {
  const auto amount = get<std::uint32_t>(frame, i.slots[2]);
  const T a = get<T>(frame, i.slots[1]);
  const T past = std::is_signed_v<T> && a < 0 ? static_cast<T>(-1) : T{0};
  put<T>(frame, i.slots[0], amount < 8 * sizeof(T) ? static_cast<T>(a >> amount) : past);
}

bool bind_shl(Modifiers& m, Instruction& i) {
  const unsigned bytes = bytes_of(m.take_type());
  i.execute = bytes == 2   ? &shift_left<std::uint16_t>
              : bytes == 4 ? &shift_left<std::uint32_t>
              : bytes == 8 ? &shift_left<std::uint64_t>
                           : nullptr;
  return true;
}
bool bind_shr(Modifiers& m, Instruction& i) {
  switch (m.take_type()) {
    case Type::kU16:
      i.execute = &shift_right<std::uint16_t>;
      break;
    case Type::kS16:
      i.execute = &shift_right<std::int16_t>;
      break;
    case Type::kU32:
      i.execute = &shift_right<std::uint32_t>;
      break;
    case Type::kS32:
      i.execute = &shift_right<std::int32_t>;
      break;
    case Type::kU64:
      i.execute = &shift_right<std::uint64_t>;
      break;
    case Type::kS64:
      i.execute = &shift_right<std::int64_t>;
      break;
    default:
      break;
  }
  return true;
}

// shf: 32 bits out of b:a, `detail` 1 for left.
void funnel_shift(Frame& frame, const Instruction& i) {
  const auto a = get<std::uint32_t>(frame, i.slots[1]), b = get<std::uint32_t>(frame, i.slots[2]);
  const std::uint64_t both = std::uint64_t{b} << 32 | a;
  const std::uint32_t amount = get<std::uint32_t>(frame, i.slots[3]) & 31u;
  const std::uint64_t result = i.detail == 1 ? (both << amount) >> 32 : both >> amount;
  put<std::uint32_t>(frame, i.slots[0], static_cast<std::uint32_t>(result));
}
bool bind_shf(Modifiers& m, Instruction& i) {
  i.detail = m.take("l") ? 1 : 0;
  if (i.detail == 0 && !m.take("r")) return false;
  if (m.take("wrap") && m.take_type() == Type::kU32) i.execute = &funnel_shift;
  return true;
}

template <typename T>
T ones(unsigned count) {
  return count >= 8 * sizeof(T) ? static_cast<T>(~T{0}) : static_cast<T>((T{1} << count) - 1);
}

// bfi d, a, b, position, length: the low bits of a into b.
template <typename T>
void insert_bits(Frame& frame, const Instruction& i) {
  const T a = get<T>(frame, i.slots[1]), b = get<T>(frame, i.slots[2]);
  const auto position = get<std::uint8_t>(frame, i.slots[3]),
             length = get<std::uint8_t>(frame, i.slots[4]);
  if (position >= 8 * sizeof(T)) return put<T>(frame, i.slots[0], b);
  const T mask = static_cast<T>(ones<T>(length) << position);
  put<T>(frame, i.slots[0], static_cast<T>((b & ~mask) | ((a << position) & mask)));
}
bool bind_bfi(Modifiers& m, Instruction& i) {
  const Type type = m.take_type();
  if (type == Type::kU32) i.execute = &insert_bits<std::uint32_t>;
  if (type == Type::kU64) i.execute = &insert_bits<std::uint64_t>;
  return true;
}

// bfe d, a, position, length; unsigned only.
template <typename T>
void extract_bits(Frame& frame, const Instruction& i) {
  const auto position = get<std::uint8_t>(frame, i.slots[2]),
             length = get<std::uint8_t>(frame, i.slots[3]);
  const T a = get<T>(frame, i.slots[1]);
  const T moved = position < 8 * sizeof(T) ? static_cast<T>(a >> position) : T{0};
  put<T>(frame, i.slots[0], static_cast<T>(moved & ones<T>(length)));
}
bool bind_bfe(Modifiers& m, Instruction& i) {
  const Type type = m.take_type();
  if (type == Type::kU32) i.execute = &extract_bits<std::uint32_t>;
  if (type == Type::kU64) i.execute = &extract_bits<std::uint64_t>;
  return true;
}

// prmt: four bytes of b:a, chosen by the four nibbles of c; bit 3 of a nibble replicates the sign.
void permute_bytes(Frame& frame, const Instruction& i) {
  const auto a = get<std::uint32_t>(frame, i.slots[1]), b = get<std::uint32_t>(frame, i.slots[2]);
  const std::uint64_t both = std::uint64_t{b} << 32 | a;
  const auto control = get<std::uint32_t>(frame, i.slots[3]);
  std::uint32_t result = 0;
  for (unsigned k = 0; k < 4; ++k) {
    const std::uint32_t choice = control >> (4 * k) & 15u;
    std::uint32_t byte = static_cast<std::uint32_t>(both >> (8 * (choice & 7u))) & 255u;
    if ((choice & 8u) != 0) byte = (byte & 128u) != 0 ? 255u : 0u;
    result |= byte << (8 * k);
  }
  put<std::uint32_t>(frame, i.slots[0], result);
}
bool bind_prmt(Modifiers& m, Instruction& i) {
  if (m.take_type() == Type::kU32) i.execute = &permute_bytes;
  return true;
}

// lop3: each bit is that of `table` at the three inputs' bits.
void logic_of_three(Frame& frame, const Instruction& i) {
  const auto a = get<std::uint32_t>(frame, i.slots[1]), b = get<std::uint32_t>(frame, i.slots[2]);
  const auto c = get<std::uint32_t>(frame, i.slots[3]);
  const auto table = get<std::uint32_t>(frame, i.slots[4]);
  std::uint32_t result = 0;
  for (unsigned k = 0; k < 8; ++k) {
    if ((table >> k & 1u) == 0) continue;
    result |= ((k & 4u) != 0 ? a : ~a) & ((k & 2u) != 0 ? b : ~b) & ((k & 1u) != 0 ? c : ~c);
  }
  put<std::uint32_t>(frame, i.slots[0], result);
}
bool bind_lop3(Modifiers& m, Instruction& i) {
  if (m.take_type() == Type::kU32) i.execute = &logic_of_three;
  return true;
}

// popc, clz, brev: the result has 32 bits, of brev as many as the input.
template <typename T>
void count_ones(Frame& frame, const Instruction& i) {
  put<std::uint32_t>(frame, i.slots[0],
                     static_cast<std::uint32_t>(std::popcount(get<T>(frame, i.slots[1]))));
}
template <typename T>
void count_leading_zeros(Frame& frame, const Instruction& i) {
  put<std::uint32_t>(frame, i.slots[0],
                     static_cast<std::uint32_t>(std::countl_zero(get<T>(frame, i.slots[1]))));
}
struct Reverse {
  template <typename T>
  static T of(T a) {
    T result = 0;
    for (unsigned k = 0; k < 8 * sizeof(T); ++k) {
      result = static_cast<T>(result << 1 | (a >> k & 1u));
    }
    return result;
  }
};
bool bind_popc(Modifiers& m, Instruction& i) {
  const Type type = m.take_type();
  if (type == Type::kU32) i.execute = &count_ones<std::uint32_t>;
  if (type == Type::kU64) i.execute = &count_ones<std::uint64_t>;
  return true;
}
bool bind_clz(Modifiers& m, Instruction& i) {
  const Type type = m.take_type();
  if (type == Type::kU32) i.execute = &count_leading_zeros<std::uint32_t>;
  if (type == Type::kU64) i.execute = &count_leading_zeros<std::uint64_t>;
  return true;
}
bool bind_brev(Modifiers& m, Instruction& i) {
  i.execute = for_type<Reverse, 1, std::uint32_t, std::uint64_t>(m.take_type());
  return true;
}

// mov between a register of `width` bytes and a vector of its parts.
void move(Frame& frame, const Instruction& i) { frame.words[i.slots[0]] = frame.words[i.slots[1]]; }
Word mask_of(unsigned bits) { return bits >= 64 ? ~Word{0} : (Word{1} << bits) - 1; }
void move_narrow(Frame& frame, const Instruction& i) {
  frame.words[i.slots[0]] = frame.words[i.slots[1]] & mask_of(8u * i.width);
}
void pack(Frame& frame, const Instruction& i) {
  const unsigned bits = 8u * i.width / i.elements;
  Word word = 0;
  for (unsigned k = 0; k < i.elements; ++k) {
    word |= (frame.words[i.slots[1 + k]] & mask_of(bits)) << (bits * k);
  }
  frame.words[i.slots[0]] = word;
}
void unpack(Frame& frame, const Instruction& i) {
  const unsigned bits = 8u * i.width / i.elements;
  const Word word = frame.words[i.slots[i.elements]];
  for (unsigned k = 0; k < i.elements; ++k) {
    frame.words[i.slots[k]] = word >> (bits * k) & mask_of(bits);
  }
}
bool bind_mov(Modifiers& m, Instruction& i) {
  const Type type = m.take_type();
  if (type == Type::kNone) return false;
  i.width = static_cast<std::uint8_t>(bytes_of(type));
  i.execute = i.elements == 1  ? (type == Type::kPred ? &move : &move_narrow)
              : i.vector_first ? &unpack
                               : &pack;
  return true;
}

}  // namespace

std::span<const Opcode> bit_opcodes() {
  static constexpr Opcode kTable[] = {
      {"and", bind_logic<And, 2>, 3, 3}, {"or", bind_logic<Or, 2>, 3, 3},
      {"xor", bind_logic<Xor, 2>, 3, 3}, {"not", bind_logic<Not, 1>, 2, 2},
      {"shl", bind_shl, 3, 3},           {"shr", bind_shr, 3, 3},
      {"shf", bind_shf, 4, 4},           {"bfi", bind_bfi, 5, 5},
      {"bfe", bind_bfe, 4, 4},           {"prmt", bind_prmt, 4, 4},
      {"lop3", bind_lop3, 5, 5},         {"popc", bind_popc, 2, 2},
      {"clz", bind_clz, 2, 2},           {"brev", bind_brev, 2, 2},
      {"mov", bind_mov, 2, 5},
  };
  return kTable;
}

}  // namespace sb::ptx
