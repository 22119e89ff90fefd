#include "ptx/counts.h"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <tuple>

#include "simt/device_runtime.h"

namespace sb::ptx {
namespace {

constexpr unsigned kWord = 4, kBanks = 32, kSector = 32;

Recorder* the_active = nullptr;

std::uint64_t block_number() {
  const simt::Self& s = simt::self();
  return s.block.x +
         std::uint64_t{s.grid_extent.x} * (s.block.y + std::uint64_t{s.grid_extent.y} * s.block.z);
}

std::size_t distinct(std::vector<std::uint64_t>& values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  return values.size();
}

// Distinct words of the busiest bank.
std::size_t passes(std::vector<std::uint64_t>& words) {
  distinct(words);
  std::array<std::size_t, kBanks> in_bank{};
  for (const std::uint64_t word : words) ++in_bank[word % kBanks];
  return *std::max_element(in_bank.begin(), in_bank.end());
}

// Lanes served in one go: a quarter of the warp for 16 bytes each, half for 8.
unsigned lanes_together(unsigned bytes) { return bytes >= 16 ? 8 : bytes == 8 ? 16 : 32; }

}  // namespace

Recorder::Recorder() {
  if (the_active != nullptr) throw std::logic_error("two recorders at a time");
  the_active = this;
}
Recorder::~Recorder() { the_active = nullptr; }
Recorder* Recorder::active() { return the_active; }

void Recorder::launch_begins(const Kernel& kernel, unsigned threads) {
  now_ = &kernels_[kernel.name];
  now_->kernel = kernel.name;
  now_->threads = threads;
  ++now_->launches;
  if (!now_->instructions.empty()) return;
  now_->instructions.resize(kernel.code.size());
  for (std::size_t i = 0; i < kernel.code.size(); ++i) {
    now_->instructions[i].opcode = kernel.opcodes[i];
    now_->instructions[i].site = kernel.sites[i];
  }
}

void Recorder::launch_ends(std::size_t shared_bytes) {
  now_->shared_bytes = shared_bytes;
  for (auto& [number, block] : blocks_) settle(block);  // of which a fault ended threads
  blocks_.clear();
}

void Recorder::access(const Frame& frame, const Instruction& instruction, bool shared, bool write,
                      const void* address, unsigned bytes) {
  const auto index = static_cast<std::uint32_t>(&instruction - frame.code);
  const simt::Self& s = simt::self();
  blocks_[block_number()].accesses.push_back(
      {.request = std::uint64_t{s.warp} << 56 | std::uint64_t{index} << 32 | frame.visits[index],
       .address = reinterpret_cast<std::uint64_t>(address),
       .instruction = index,
       .lane = static_cast<std::uint8_t>(s.lane),
       .bytes = static_cast<std::uint8_t>(bytes),
       .shared = shared,
       .write = write});
}

void Recorder::thread_ends(const Frame& frame) {
  const std::uint64_t number = block_number();
  const simt::Self& s = simt::self();
  BlockState& block = blocks_[number];
  const std::size_t instructions = now_->instructions.size();
  const std::size_t warps = (s.block_extent.count() + 31) / 32;
  block.executed.resize(warps * instructions);
  for (std::size_t i = 0; i < instructions; ++i) {
    std::uint32_t& most = block.executed[s.warp * instructions + i];
    most = std::max(most, frame.visits[i]);
  }
  if (++block.ended < s.block_extent.count()) return;
  settle(block);
  blocks_.erase(number);
}

void Recorder::settle(BlockState& block) {
  for (std::size_t i = 0; i < block.executed.size(); ++i) {
    now_->instructions[i % now_->instructions.size()].executed += block.executed[i];
  }
  auto& accesses = block.accesses;
  count_sectors_of_block(accesses);
  std::sort(accesses.begin(), accesses.end(), [](const Access& a, const Access& b) {
    return std::tie(a.request, a.shared, a.lane) < std::tie(b.request, b.shared, b.lane);
  });
  for (auto begin = accesses.begin(); begin != accesses.end();) {
    const auto end = std::find_if(begin, accesses.end(), [&](const Access& a) {
      return a.request != begin->request || a.shared != begin->shared;
    });
    settle_request(&*begin, &*begin + (end - begin));
    begin = end;
  }
}

void Recorder::count_sectors_of_block(const std::vector<Access>& accesses) {
  std::vector<std::uint64_t> read, written;
  for (const Access& a : accesses) {
    if (a.shared) continue;
    auto& sectors = a.write ? written : read;
    for (std::uint64_t s = a.address / kSector; s <= (a.address + a.bytes - 1) / kSector; ++s) {
      sectors.push_back(s);
    }
  }
  now_->block_sectors += distinct(read) + distinct(written);
}

void Recorder::settle_request(const Access* begin, const Access* end) {
  InstructionCounts& counts = now_->instructions[begin->instruction];
  std::vector<std::uint64_t> words, together;
  std::size_t wavefronts = 0;
  const unsigned group = lanes_together(begin->bytes);
  for (const Access* a = begin; a != end; ++a) {
    for (unsigned b = 0; b < a->bytes; b += kWord) {
      words.push_back((a->address + b) / kWord);
      together.push_back(words.back());
    }
    if (a + 1 == end || (a + 1)->lane / group != a->lane / group) {
      wavefronts += passes(together);
      together.clear();
    }
  }
  const std::size_t of_words = distinct(words);
  if (begin->shared) {
    ++counts.shared_requests;
    counts.wavefronts += wavefronts;
    counts.ideal_wavefronts += (of_words + kBanks - 1) / kBanks;
    return;
  }
  for (std::uint64_t& word : words) word /= kSector / kWord;
  const std::size_t sectors = distinct(words);
  ++counts.global_requests;
  counts.sectors += sectors;
  counts.ideal_sectors += (of_words * kWord + kSector - 1) / kSector;
  if (begin->write) counts.sectors_written += sectors;
}

InstructionCounts KernelCounts::total() const {
  InstructionCounts sum;
  for (const InstructionCounts& i : instructions) {
    sum.executed += i.executed;
    sum.shared_requests += i.shared_requests;
    sum.wavefronts += i.wavefronts;
    sum.ideal_wavefronts += i.ideal_wavefronts;
    sum.global_requests += i.global_requests;
    sum.sectors += i.sectors;
    sum.ideal_sectors += i.ideal_sectors;
    sum.sectors_written += i.sectors_written;
  }
  return sum;
}

std::uint64_t KernelCounts::executed(std::string_view opcode_prefix) const {
  std::uint64_t sum = 0;
  for (const InstructionCounts& i : instructions) {
    if (i.opcode.starts_with(opcode_prefix)) sum += i.executed;
  }
  return sum;
}

}  // namespace sb::ptx
