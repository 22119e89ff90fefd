#include "ptx/cubin.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <vector>

namespace sb::ptx {
namespace {

struct Section {
  std::string_view name, bytes;
};

template <typename T>
T read(std::string_view bytes, std::size_t at) {
  if (at + sizeof(T) > bytes.size()) throw std::runtime_error("a cubin is cut off");
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}
std::string_view text_at(std::string_view bytes, std::size_t at) {
  return bytes.substr(at, bytes.find('\0', at) - at);
}

// ELF64: section headers at 0x28, their size, count and name table from 0x3a.
std::vector<Section> sections(std::string_view elf) {
  if (!elf.starts_with("\x7f"
                       "ELF"))
    throw std::runtime_error("no cubin");
  const auto table = read<std::uint64_t>(elf, 0x28);
  const auto size = read<std::uint16_t>(elf, 0x3a), count = read<std::uint16_t>(elf, 0x3c),
             names = read<std::uint16_t>(elf, 0x3e);
  const auto header = [&](unsigned i) { return table + std::uint64_t{i} * size; };
  const auto name_table = read<std::uint64_t>(elf, header(names) + 0x18);
  std::vector<Section> all;
  for (unsigned i = 0; i < count; ++i) {
    constexpr std::uint32_t kNoBits = 8;  // takes no place in the file
    if (read<std::uint32_t>(elf, header(i) + 4) == kNoBits) continue;
    all.push_back({text_at(elf, name_table + read<std::uint32_t>(elf, header(i))),
                   elf.substr(read<std::uint64_t>(elf, header(i) + 0x18),
                              read<std::uint64_t>(elf, header(i) + 0x20))});
  }
  return all;
}

std::string_view bytes_of(const std::vector<Section>& all, std::string_view name) {
  for (const Section& section : all) {
    if (section.name == name) return section.bytes;
  }
  return {};
}

// Records of .nv.info: format, attribute, size, and for format 4 a symbol and a value.
constexpr std::uint8_t kRegisters = 0x2f, kFrame = 0x11;
void read_info(std::string_view info, const std::vector<std::string>& symbols,
               std::map<std::string, MachineCode>& kernels) {
  for (std::size_t at = 0; at + 4 <= info.size();) {
    const auto format = read<std::uint8_t>(info, at), attribute = read<std::uint8_t>(info, at + 1);
    const auto size = read<std::uint16_t>(info, at + 2);
    at += 4;
    if (format != 4) continue;
    if (size == 8) {
      const auto known = kernels.find(symbols.at(read<std::uint32_t>(info, at)));
      const auto value = read<std::uint32_t>(info, at + 4);
      if (known != kernels.end() && attribute == kRegisters) known->second.registers = value;
      if (known != kernels.end() && attribute == kFrame) known->second.frame_bytes = value;
    }
    at += size;
  }
}

// Opcode: the low 12 bits of an instruction's 16 bytes. Width of an access: bits 73 to 75.
struct MachineOpcode {
  const char* name;
  unsigned bits;
  bool sized;
};
constexpr MachineOpcode kOpcodes[] = {
    {"HMMA", 0x23c, false},   {"LDSM", 0x83b, false}, {"LDGSTS", 0xfae, true},
    {"LDG", 0x981, true},     {"STG", 0x986, true},   {"LDS", 0x984, true},
    {"STS", 0x388, true},     {"STS", 0x988, true},   {"LDL", 0x983, true},
    {"STL", 0x387, true},     {"STL", 0x987, true},   {"BAR", 0xb1d, false},
    {"SHFL", 0x589, false},   {"SHFL", 0xf89, false}, {"MUFU", 0x308, false},
    {"ATOMG", 0x9a8, false},  {"RED", 0x98e, false},  {"ATOMS", 0xf8c, false},
    {"MEMBAR", 0x992, false},
};
constexpr const char* kWidths[] = {".8", ".8", ".16", ".16", ".32", ".64", ".128", ""};

void count_instructions(std::string_view code, MachineCode& kernel) {
  for (std::size_t at = 0; at + 16 <= code.size(); at += 16) {
    const auto low = read<std::uint64_t>(code, at), high = read<std::uint64_t>(code, at + 8);
    for (const MachineOpcode& opcode : kOpcodes) {
      if ((low & 0xfff) != opcode.bits) continue;
      ++kernel
            .instructions[std::string(opcode.name) + (opcode.sized ? kWidths[high >> 9 & 7] : "")];
    }
  }
}

constexpr std::string_view kText = ".text.";

}  // namespace

std::uint64_t MachineCode::count(std::string_view prefix) const {
  std::uint64_t sum = 0;
  for (const auto& [name, number] : instructions) {
    if (name.starts_with(prefix)) sum += number;
  }
  return sum;
}

std::map<std::string, MachineCode> machine_code(std::string_view cubin, int arch) {
  const std::vector<Section> all = sections(cubin);
  std::map<std::string, MachineCode> kernels;
  for (const Section& section : all) {
    if (!section.name.starts_with(kText)) continue;
    MachineCode& kernel = kernels[std::string(section.name.substr(kText.size()))];
    kernel.arch = arch;
    count_instructions(section.bytes, kernel);
  }
  std::vector<std::string> symbols;
  const std::string_view table = bytes_of(all, ".symtab"), names = bytes_of(all, ".strtab");
  for (std::size_t at = 0; at + 24 <= table.size(); at += 24) {
    symbols.emplace_back(text_at(names, read<std::uint32_t>(table, at)));
  }
  read_info(bytes_of(all, ".nv.info"), symbols, kernels);
  return kernels;
}

// CUDA occupancy rules of compute capability 8.0 and 9.0: registers go to warps in units of 256, to
// one of four schedulers each; shared memory to blocks in units of 128 bytes, 1 KiB of it reserved.
Occupancy occupancy(int arch, unsigned registers, std::size_t shared_bytes, unsigned threads) {
  constexpr unsigned kRegisters = 65536, kUnit = 256, kSchedulers = 4, kMostWarps = 64,
                     kMostBlocks = 32;
  constexpr std::size_t kSharedUnit = 128, kReserved = 1024;
  const std::size_t shared = (arch >= 90 ? 228u : 164u) * 1024u;
  const unsigned warps = (threads + 31) / 32;
  const unsigned of_warp = (std::max(registers, 1u) * 32 + kUnit - 1) / kUnit * kUnit;
  const std::size_t of_block =
      (shared_bytes + kReserved + kSharedUnit - 1) / kSharedUnit * kSharedUnit;
  const std::pair<unsigned, std::string_view> limits[] = {
      {kMostBlocks, "blocks"},
      {kMostWarps / warps, "warps"},
      {kRegisters / kSchedulers / of_warp * kSchedulers / warps, "registers"},
      {static_cast<unsigned>(shared / of_block), "shared memory"}};
  const auto& least = *std::min_element(std::begin(limits), std::end(limits));
  return {.blocks = least.first,
          .warps = least.first * warps,
          .most_warps = kMostWarps,
          .limit = std::string(least.second)};
}

}  // namespace sb::ptx
