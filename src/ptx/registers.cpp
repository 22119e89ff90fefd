#include "ptx/registers.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <functional>
#include <queue>
#include <utility>

namespace sb::ptx {
namespace {

using Slots = std::vector<bool>;

// A set of slots, 64 to a word.
class SlotSet {
 public:
  SlotSet() = default;
  explicit SlotSet(std::size_t slots) : words_((slots + 63) / 64) {}
  void add(std::size_t slot) { words_[slot / 64] |= std::uint64_t{1} << slot % 64; }
  void remove(std::size_t slot) { words_[slot / 64] &= ~(std::uint64_t{1} << slot % 64); }
  void add(const SlotSet& other) {
    for (std::size_t i = 0; i < words_.size(); ++i) words_[i] |= other.words_[i];
  }
  bool operator==(const SlotSet&) const = default;

  template <typename Visit>
  void for_each(Visit visit) const {
    for (std::size_t i = 0; i < words_.size(); ++i) {
      for (std::uint64_t rest = words_[i]; rest != 0; rest &= rest - 1) {
        visit(64 * i + static_cast<std::size_t>(std::countr_zero(rest)));
      }
    }
  }

 private:
  std::vector<std::uint64_t> words_;
};

// From the first to the last instruction at which a register may be alive.
struct Interval {
  std::size_t first = SIZE_MAX, last = 0;
  void add(std::size_t at) {
    first = std::min(first, at);
    last = std::max(last, at);
  }
};

class Liveness {
 public:
  Liveness(const Kernel& kernel, const std::vector<OperandCounts>& operands,
           const Slots& is_register)
      : kernel_(kernel), operands_(operands), is_register_(is_register) {
    cut_into_blocks();
    for (bool changed = true; changed;) {
      changed = false;
      for (std::size_t b = blocks_.size(); b-- > 0;) changed |= update(blocks_[b]);
    }
  }

  std::vector<Interval> intervals() const {
    std::vector<Interval> all(is_register_.size());
    for (const Block& block : blocks_) {
      block.alive_before.for_each([&](std::size_t slot) { all[slot].add(block.begin); });
      block.alive_after.for_each([&](std::size_t slot) { all[slot].add(block.end - 1); });
      for (std::size_t i = block.begin; i < block.end; ++i) {
        for_each_slot(i, [&](std::uint16_t slot, bool) { all[slot].add(i); });
      }
    }
    return all;
  }

 private:
  struct Block {
    std::size_t begin, end;
    std::vector<std::size_t> next;  // blocks that may follow
    SlotSet alive_before, alive_after;
  };

  // Registers only; the guard is read.
  template <typename Visit>
  void for_each_slot(std::size_t index, Visit visit) const {
    const Instruction& i = kernel_.code[index];
    const auto visit_register = [&](std::uint16_t slot, bool written) {
      if (is_register_[slot]) visit(slot, written);
    };
    for (std::size_t k = 0; k < operands_[index].all; ++k) {
      visit_register(i.slots[k], k < operands_[index].outputs);
    }
    visit_register(i.guard, false);
  }

  bool is_branch(std::size_t i) const { return kernel_.opcodes[i].starts_with("bra"); }
  bool goes_on(std::size_t i) const {
    return kernel_.code[i].guard != kTrue ||
           !(is_branch(i) || kernel_.opcodes[i] == "ret" || kernel_.opcodes[i] == "exit");
  }

  void cut_into_blocks() {
    const std::size_t count = kernel_.code.size();
    std::vector<bool> begins(count + 1);
    begins[0] = begins[count] = true;
    for (std::size_t i = 0; i < count; ++i) {
      if (is_branch(i)) begins[kernel_.code[i].target] = begins[i + 1] = true;
    }
    std::vector<std::size_t> block_of(count + 1);
    for (std::size_t i = 0; i < count; ++i) {
      if (begins[i]) blocks_.push_back({.begin = i, .end = i, .next = {}});
      block_of[i] = blocks_.size() - 1;
      blocks_.back().end = i + 1;
    }
    for (Block& block : blocks_) {
      const std::size_t last = block.end - 1;
      if (goes_on(last) && block.end < count) block.next.push_back(block_of[block.end]);
      if (is_branch(last) && kernel_.code[last].target < count) {
        block.next.push_back(block_of[kernel_.code[last].target]);
      }
      block.alive_before = block.alive_after = SlotSet(is_register_.size());
    }
  }

  // Backwards from what follows; true if something became alive.
  bool update(Block& block) {
    SlotSet alive = block.alive_after;
    for (const std::size_t next : block.next) alive.add(blocks_[next].alive_before);
    block.alive_after = alive;
    for (std::size_t i = block.end; i-- > block.begin;) {
      const bool always = kernel_.code[i].guard == kTrue;  // else the old value may stay
      for_each_slot(i, [&](std::uint16_t slot, bool written) {
        if (written && always) alive.remove(slot);
      });
      for_each_slot(i, [&](std::uint16_t slot, bool written) {
        if (!written) alive.add(slot);
      });
    }
    return std::exchange(block.alive_before, alive) != block.alive_before;
  }

  const Kernel& kernel_;
  const std::vector<OperandCounts>& operands_;
  const Slots& is_register_;
  std::vector<Block> blocks_;
};

// The new place of each word: what is no register stays first, in order; registers follow, each in
// the word that has been free for longest.
std::vector<std::uint16_t> places(const std::vector<Interval>& intervals, const Slots& is_register,
                                  std::size_t& count) {
  std::vector<std::uint16_t> place(is_register.size());
  std::vector<std::size_t> registers;
  count = 0;
  for (std::size_t slot = 0; slot < place.size(); ++slot) {
    if (is_register[slot]) {
      registers.push_back(slot);
    } else {
      place[slot] = static_cast<std::uint16_t>(count++);
    }
  }
  std::sort(registers.begin(), registers.end(),
            [&](std::size_t a, std::size_t b) { return intervals[a].first < intervals[b].first; });
  using Taken = std::pair<std::size_t, std::uint16_t>;  // until, word
  std::priority_queue<Taken, std::vector<Taken>, std::greater<>> taken;
  for (const std::size_t slot : registers) {
    const bool reuse = !taken.empty() && taken.top().first < intervals[slot].first;
    place[slot] = reuse ? taken.top().second : static_cast<std::uint16_t>(count++);
    if (reuse) taken.pop();
    taken.push({intervals[slot].last, place[slot]});
  }
  return place;
}

}  // namespace

void share_words(Kernel& kernel, const std::vector<OperandCounts>& operands,
                 const std::vector<bool>& is_register) {
  const Liveness liveness(kernel, operands, is_register);
  std::size_t count = 0;
  const std::vector<std::uint16_t> place = places(liveness.intervals(), is_register, count);
  std::vector<Word> words(count);
  for (std::size_t slot = 0; slot < place.size(); ++slot) words[place[slot]] = kernel.words[slot];
  kernel.words = std::move(words);
  for (Instruction& i : kernel.code) {
    for (std::uint16_t& slot : i.slots) slot = place[slot];
    i.guard = place[i.guard];
  }
  for (SharedArray& array : kernel.shared) array.slot = place[array.slot];
}

}  // namespace sb::ptx
