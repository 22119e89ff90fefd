// From statements to instructions: registers become slots, opcodes become functions.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "ptx/instruction.h"
#include "ptx/source.h"

namespace sb::ptx {

// PTX types by what their bits mean; b8 ... b64 are read as unsigned.
enum class Type {
  kNone,
  kPred,
  kU8,
  kU16,
  kU32,
  kU64,
  kS8,
  kS16,
  kS32,
  kS64,
  kF16,
  kBf16,
  kF32,
  kF64,
  kF16x2,
  kBf16x2
};
unsigned bytes_of(Type type);

// The words of an opcode after its name. An instruction is known if a binder has taken them all.
class Modifiers {
 public:
  explicit Modifiers(std::span<const std::string_view> words)
      : words_(words.begin(), words.end()) {}
  bool take(std::string_view word);  // wherever it stands
  Type take_type();                  // the first one, kNone if there is none
  // The index of the first of `choices` that is there.
  std::optional<int> take_one_of(std::span<const std::string_view> choices);
  bool empty() const { return words_.empty(); }

 private:
  std::vector<std::string_view> words_;
};

// Chooses what executes the opcode and sets what belongs to it; false if it is not known.
using Binder = bool (*)(Modifiers&, Instruction&);

struct Opcode {
  std::string_view name;
  Binder bind;
  std::size_t least_slots, most_slots;
};

// The opcodes of each file of handlers.
std::span<const Opcode> arithmetic_opcodes();
std::span<const Opcode> bit_opcodes();
std::span<const Opcode> comparison_opcodes();
std::span<const Opcode> conversion_opcodes();
std::span<const Opcode> memory_opcodes();
std::span<const Opcode> warp_opcodes();

// Throws Refused for anything that is not known.
std::unique_ptr<Kernel> assemble(const Source& source, std::string_view kernel);

}  // namespace sb::ptx
