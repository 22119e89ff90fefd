// A PTX instruction ready to be executed, and what a thread needs for it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>
#include <vector>

namespace sb::ptx {

struct Kernel;
struct Instruction;
class Recorder;

// A register, of any type: the value in the low bits, zeros above.
using Word = std::uint64_t;

// The state of one thread.
struct Frame {
  Word* words = nullptr;                  // registers, then constants, special registers, addresses
  const std::byte* parameters = nullptr;  // of the kernel
  std::size_t bytes_of_parameters = 0;
  std::byte* shared = nullptr;  // what address 0 of shared memory is
  std::size_t next = 0;         // index of the next instruction
  const Instruction* code = nullptr;
  Recorder* recorder = nullptr;     // null: nobody counts
  std::uint32_t* visits = nullptr;  // by instruction: how often this thread was there
};

template <typename T>
T get(const Frame& frame, unsigned slot) {
  if constexpr (std::is_same_v<T, bool>) return (frame.words[slot] & 1) != 0;
  T value;
  std::memcpy(&value, &frame.words[slot], sizeof value);
  return value;
}
template <typename T>
void put(Frame& frame, unsigned slot, T value) {
  Word word = 0;
  std::memcpy(&word, &value, sizeof value);
  frame.words[slot] = word;
}

enum class Space : std::uint8_t { kGeneric, kGlobal, kShared, kParameters };

using Execute = void (*)(Frame&, const Instruction&);

// The flattened operands in the order of the PTX text: outputs first, vectors element by element.
inline constexpr std::size_t kMostSlots = 16;

struct Instruction {
  Execute execute = nullptr;
  std::array<std::uint16_t, kMostSlots> slots{};
  std::uint16_t guard = 0;  // runs if bit 0 of this slot ...
  bool guard_value = true;  // ... is this
  Space space = Space::kGeneric;
  std::uint8_t width = 0;     // bytes of an element in memory
  std::uint8_t elements = 1;  // of the last {vector} among the operands
  bool vector_first = false;  // the first operand is one
  bool two_outputs = false;   // d|p: slots 0 and 1
  int detail = 0;             // what `execute` says
  std::int64_t offset = 0;    // of the address operand
  std::size_t target = 0;     // of a branch
  const char* site = "";      // "file:line: text" for reports; lives as long as the kernel
};

struct SharedArray {
  std::size_t bytes = 0;   // 0: as the launch says
  std::uint16_t slot = 0;  // where its address goes
};

struct Kernel {
  std::string name;
  std::vector<std::size_t> parameter_offsets, parameter_bytes;
  std::size_t bytes_of_parameters = 0;
  std::vector<SharedArray> shared;
  std::vector<Instruction> code;
  std::vector<std::string> sites, opcodes;      // by instruction
  std::vector<Word> words;                      // what a thread's words are at its start
  mutable std::vector<std::uint64_t> executed;  // by instruction: how often by any thread
};

// Words that every thread has, first of all: `kTrue` holds 1, then the special registers.
enum SpecialSlot : std::uint16_t {
  kTrue,
  kTid,
  kNtid = 4,
  kCtaid = 7,
  kNctaid = 10,
  kLaneId = 13,
  kSpecialSlots
};

}  // namespace sb::ptx
