#include "ptx/assemble.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include "ptx/registers.h"

namespace sb::ptx {
namespace {

constexpr std::array<std::pair<std::string_view, Type>, 19> kTypes = {{
    {"pred", Type::kPred}, {"b8", Type::kU8},       {"b16", Type::kU16},       {"b32", Type::kU32},
    {"b64", Type::kU64},   {"u8", Type::kU8},       {"u16", Type::kU16},       {"u32", Type::kU32},
    {"u64", Type::kU64},   {"s8", Type::kS8},       {"s16", Type::kS16},       {"s32", Type::kS32},
    {"s64", Type::kS64},   {"f16", Type::kF16},     {"bf16", Type::kBf16},     {"f32", Type::kF32},
    {"f64", Type::kF64},   {"f16x2", Type::kF16x2}, {"bf16x2", Type::kBf16x2},
}};

constexpr std::array<std::pair<std::string_view, std::uint16_t>, 13> kSpecial = {{
    {"%tid.x", kTid},
    {"%tid.y", kTid + 1},
    {"%tid.z", kTid + 2},
    {"%ntid.x", kNtid},
    {"%ntid.y", kNtid + 1},
    {"%ntid.z", kNtid + 2},
    {"%ctaid.x", kCtaid},
    {"%ctaid.y", kCtaid + 1},
    {"%ctaid.z", kCtaid + 2},
    {"%nctaid.x", kNctaid},
    {"%nctaid.y", kNctaid + 1},
    {"%nctaid.z", kNctaid + 2},
    {"%laneid", kLaneId},
}};

const Opcode* find_opcode(std::string_view name) {
  for (const auto table : {arithmetic_opcodes(), bit_opcodes(), comparison_opcodes(),
                           conversion_opcodes(), memory_opcodes(), warp_opcodes()}) {
    for (const Opcode& opcode : table) {
      if (opcode.name == name) return &opcode;
    }
  }
  return nullptr;
}

// "0f3F800000", "0d...", "0x10", "-1", "16U"
Word constant(std::string_view text) {
  const bool negative = text.starts_with('-');
  std::string_view digits = text.substr(negative ? 1 : 0);
  int base = 10;
  if (digits.size() > 2 && digits[0] == '0' && digits.find_first_of("fFdDxX") == 1) {
    digits.remove_prefix(2);
    base = 16;
  }
  if (digits.ends_with('U')) digits.remove_suffix(1);
  Word value = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (error != std::errc() || end != digits.data() + digits.size() || digits.empty()) {
    throw Refused("no operand: " + std::string(text));
  }
  return negative ? ~value + 1 : value;
}

class Assembler {
 public:
  Assembler(const Source& source, std::string_view name)
      : source_(source), entry_(source.entry(name)), kernel_(std::make_unique<Kernel>()) {}

  std::unique_ptr<Kernel> kernel() {
    kernel_->name = entry_.name;
    kernel_->words.resize(kSpecialSlots);
    kernel_->words[kTrue] = 1;
    for (const auto& [name, slot] : kSpecial) slots_[name] = slot;
    place_parameters();
    for (const Statement& statement : entry_.statements) {
      kernel_->sites.push_back(site_of(statement));
      std::string opcode;
      for (const auto word : statement.opcode) (opcode += opcode.empty() ? "" : ".") += word;
      kernel_->opcodes.push_back(std::move(opcode));
    }
    for (std::size_t i = 0; i < entry_.statements.size(); ++i) add(i);
    is_register_.resize(kernel_->words.size());
    share_words(*kernel_, operands_, is_register_);
    kernel_->executed.resize(kernel_->code.size());
    return std::move(kernel_);
  }

 private:
  void place_parameters() {
    std::size_t offset = 0;
    for (const Declaration& p : entry_.parameters) {
      offset = (offset + p.align - 1) / p.align * p.align;
      parameters_[p.name] = offset;
      kernel_->parameter_offsets.push_back(offset);
      kernel_->parameter_bytes.push_back(p.bytes);
      offset += p.bytes;
    }
    kernel_->bytes_of_parameters = offset;
  }

  std::string site_of(const Statement& s) const {
    const std::string_view file = source_.file(s.file);
    std::string place(file.substr(file.rfind('/') + 1));
    if (!place.empty()) place += ":" + std::to_string(s.line) + ": ";
    return place + std::string(s.text);
  }

  void add(std::size_t index) {
    const Statement& s = entry_.statements[index];
    try {
      Instruction instruction;
      used_ = outputs_ = 0;
      instruction.site = kernel_->sites[index].c_str();
      if (!s.guard.empty()) instruction.guard = slot_of(s.guard);
      instruction.guard_value = !s.guard_negated;
      if (s.opcode[0] == "bra") {
        branch(s, instruction);
      } else {
        bind(s, instruction);
      }
      kernel_->code.push_back(instruction);
      operands_.push_back({.outputs = writes_registers(s.opcode[0]) ? outputs_ : 0, .all = used_});
    } catch (const Refused& why) {
      throw Refused("PTX, " + kernel_->sites[index] + ": " + why.what());
    }
  }

  void branch(const Statement& s, Instruction& instruction) {
    const bool uniform = s.opcode.size() == 2 && s.opcode[1] == "uni";
    const auto label =
        s.operands.size() == 1 ? entry_.labels.find(s.operands[0]) : entry_.labels.end();
    if ((s.opcode.size() > 1 && !uniform) || label == entry_.labels.end())
      throw Refused("unknown branch");
    instruction.target = label->second;
    instruction.execute = [](Frame& frame, const Instruction& i) { frame.next = i.target; };
  }

  void bind(const Statement& s, Instruction& instruction) {
    const Opcode* opcode = find_opcode(s.opcode[0]);
    if (opcode == nullptr) throw Refused("unknown opcode");
    for (const std::string_view operand : s.operands) {
      add_operand(operand, instruction);
      if (outputs_ == 0) outputs_ = used_;
    }
    Modifiers modifiers(std::span(s.opcode).subspan(1));
    if (!opcode->bind(modifiers, instruction) || instruction.execute == nullptr ||
        !modifiers.empty()) {
      throw Refused("unknown form of the opcode");
    }
    if (used_ < opcode->least_slots || used_ > opcode->most_slots)
      throw Refused("unknown operands");
  }

  void add_operand(std::string_view text, Instruction& instruction) {
    if (text[0] == '{') {
      text = text.substr(1, text.size() - 2);
      instruction.vector_first |= used_ == 0;
      instruction.elements = 0;
      for (std::size_t comma = 0; comma != std::string_view::npos; ++instruction.elements) {
        comma = text.find(',');
        add_slot(slot_of(trimmed(text.substr(0, comma))), instruction);
        if (comma != std::string_view::npos) text.remove_prefix(comma + 1);
      }
    } else if (text[0] == '[') {
      add_address(text.substr(1, text.size() - 2), instruction);
    } else if (const auto bar = text.find('|'); bar != std::string_view::npos) {
      instruction.two_outputs = true;
      add_slot(slot_of(text.substr(0, bar)), instruction);
      add_slot(slot_of(text.substr(bar + 1)), instruction);
    } else {
      add_slot(slot_of(text), instruction);
    }
  }

  void add_slot(std::uint16_t slot, Instruction& instruction) {
    if (used_ == kMostSlots) throw Refused("too many operands");
    instruction.slots[used_++] = slot;
  }

  // "%rd1+8", "shared_array+16", "parameter+4"
  void add_address(std::string_view text, Instruction& instruction) {
    const auto plus = text.find('+');
    const std::string_view base = trimmed(text.substr(0, plus));
    if (plus != std::string_view::npos) {
      instruction.offset = static_cast<std::int64_t>(constant(trimmed(text.substr(plus + 1))));
    }
    add_slot(slot_of(base), instruction);
  }

  static std::string_view trimmed(std::string_view s) {
    while (!s.empty() && s.front() == ' ') s.remove_prefix(1);
    while (!s.empty() && s.back() == ' ') s.remove_suffix(1);
    return s;
  }

  // Of a register, a special register, a constant, the address of a shared array or of a parameter.
  std::uint16_t slot_of(std::string_view text) {
    text = trimmed(text);
    if (text.empty()) throw Refused("an operand is missing");
    if (const auto known = slots_.find(text); known != slots_.end()) return known->second;
    if (text == "_" || is_register(text)) {
      const std::uint16_t slot = new_slot(text, kUninitialised);
      is_register_.resize(slot + std::size_t{1});
      is_register_[slot] = true;
      return slot;
    }
    if (const auto parameter = parameters_.find(text); parameter != parameters_.end()) {
      return new_slot(text, parameter->second);
    }
    for (const Declaration& array : entry_.shared) {
      if (array.name != text) continue;
      const std::uint16_t slot = new_slot(text, 0);
      kernel_->shared.push_back({array.bytes, slot});
      return slot;
    }
    return new_slot(text, constant(text));
  }

  // Is the first operand an output?
  static bool writes_registers(std::string_view opcode) {
    constexpr std::string_view kNone[] = {"st", "red", "cp", "bar", "barrier", "membar", "fence"};
    return std::find(std::begin(kNone), std::end(kNone), opcode) == std::end(kNone);
  }

  bool is_register(std::string_view text) const {
    for (const std::string_view declared : entry_.registers) {
      const std::string_view prefix = declared.substr(0, declared.find('<'));
      if (text == declared || (prefix != declared && text.starts_with(prefix) &&
                               text.find_first_not_of("0123456789", prefix.size()) == text.npos)) {
        return true;
      }
    }
    return false;
  }

  std::uint16_t new_slot(std::string_view text, Word value) {
    if (kernel_->words.size() > UINT16_MAX) throw Refused("too many registers");
    const auto slot = static_cast<std::uint16_t>(kernel_->words.size());
    kernel_->words.push_back(value);
    slots_[text] = slot;
    return slot;
  }

  static constexpr Word kUninitialised = 0xdeadbeefdeadbeef;

  const Source& source_;
  Entry entry_;
  std::unique_ptr<Kernel> kernel_;
  std::map<std::string_view, std::uint16_t> slots_;
  std::map<std::string_view, std::size_t> parameters_;
  std::vector<bool> is_register_;
  std::vector<OperandCounts> operands_;  // by instruction
  std::size_t used_ = 0, outputs_ = 0;
};

}  // namespace

unsigned bytes_of(Type type) {
  switch (type) {
    case Type::kU8:
    case Type::kS8:
      return 1;
    case Type::kU16:
    case Type::kS16:
    case Type::kF16:
    case Type::kBf16:
      return 2;
    case Type::kU64:
    case Type::kS64:
    case Type::kF64:
      return 8;
    default:
      return 4;
  }
}

bool Modifiers::take(std::string_view word) {
  const auto at = std::find(words_.begin(), words_.end(), word);
  if (at == words_.end()) return false;
  words_.erase(at);
  return true;
}

Type Modifiers::take_type() {
  for (auto word = words_.begin(); word != words_.end(); ++word) {
    for (const auto& [name, type] : kTypes) {
      if (*word != name) continue;
      words_.erase(word);
      return type;
    }
  }
  return Type::kNone;
}

std::optional<int> Modifiers::take_one_of(std::span<const std::string_view> choices) {
  for (std::size_t i = 0; i < choices.size(); ++i) {
    if (take(choices[i])) return static_cast<int>(i);
  }
  return std::nullopt;
}

std::unique_ptr<Kernel> assemble(const Source& source, std::string_view kernel) {
  return Assembler(source, kernel).kernel();
}

}  // namespace sb::ptx
