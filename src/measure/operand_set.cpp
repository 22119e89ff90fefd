#include "measure/operand_set.h"

#include <algorithm>
#include <cstring>

namespace sb {
namespace {

// Wide enough that a kernel which stores a few AVX-512 vectors too many stays inside.
constexpr std::size_t kFence = 512;
constexpr auto kFenceByte = std::byte{0xa5};
constexpr auto kPoisonByte = std::byte{0xff};

// Position-dependent sum of 64-bit words: cheap enough for gigabytes, and any change shows.
std::uint64_t hash_of(const std::byte* data, std::size_t bytes) {
  const std::size_t words = bytes / 8;
  std::uint64_t sum = 0;
#pragma omp parallel for reduction(+ : sum) schedule(static) if (words > 65536)
  for (std::size_t i = 0; i < words; ++i) {
    std::uint64_t word;
    std::memcpy(&word, data + i * 8, 8);
    sum += (word ^ (i * 0x9e3779b97f4a7c15u)) * 0xbf58476d1ce4e5b9u;
  }
  for (std::size_t i = words * 8; i < bytes; ++i) {
    sum += (static_cast<std::uint64_t>(data[i]) + 1) * (i + 0x94d049bb133111ebu);
  }
  return sum;
}

bool is_all(const std::byte* begin, std::size_t count, std::byte value) {
  return std::all_of(begin, begin + count, [value](std::byte b) { return b == value; });
}

// Do the gaps between rows still hold the poison?
bool gaps_intact(const TensorSpec& spec, const std::byte* data) {
  if (spec.row_stride == 0 || spec.count() == 0) return true;
  const auto element = static_cast<std::int64_t>(size_of(spec.dtype));
  const std::int64_t rows = spec.count() / spec.cols();
  for (std::int64_t row = 0; row + 1 < rows; ++row) {
    const std::byte* gap = data + (row * spec.row_stride + spec.cols()) * element;
    if (!is_all(gap, static_cast<std::size_t>((spec.row_stride - spec.cols()) * element),
                kPoisonByte)) {
      return false;
    }
  }
  return true;
}

}  // namespace

OperandSet::OperandSet(std::vector<TensorSpec> specs, int misalign, Memory memory)
    : specs_(std::move(specs)), memory_(memory) {
  std::vector<void*> pointers;
  for (const TensorSpec& spec : specs_) {
    const auto bytes = static_cast<std::size_t>(spec.allocated());
    const std::size_t shift = static_cast<std::size_t>(misalign) * size_of(spec.dtype);
    buffers_.emplace_back(bytes + shift + 2 * kFence, memory);
    data_.push_back(buffers_.back().as<std::byte>() + kFence + shift);
    std::memset(data_.back(), spec.role == Role::kOutput ? 0xff : 0, bytes);  // touches every page
    pointers.push_back(data_.back());
  }
  operands_ = Operands(std::move(pointers));
  put_fences();
}

void OperandSet::put_fences() {
  for (std::size_t i = 0; i < specs_.size(); ++i) {
    std::memset(data_[i] - kFence, static_cast<int>(kFenceByte), kFence);
    std::memset(data_[i] + specs_[i].allocated(), static_cast<int>(kFenceByte), kFence);
  }
}

void OperandSet::poison_outputs() {
  for (std::size_t i = 0; i < specs_.size(); ++i) {
    if (specs_[i].role != Role::kOutput) continue;
    std::memset(data_[i], static_cast<int>(kPoisonByte),
                static_cast<std::size_t>(specs_[i].allocated()));
  }
}

void OperandSet::remember_inputs() {
  input_hash_.assign(specs_.size(), 0);
  for (std::size_t i = 0; i < specs_.size(); ++i) {
    input_hash_[i] = hash_of(data_[i], static_cast<std::size_t>(specs_[i].allocated()));
  }
}

std::string OperandSet::broken_fence() const {
  for (std::size_t i = 0; i < specs_.size(); ++i) {
    const TensorSpec& spec = specs_[i];
    const auto bytes = static_cast<std::size_t>(spec.allocated());
    if (!is_all(data_[i] - kFence, kFence, kFenceByte)) {
      return "writes before the beginning of " + spec.name;
    }
    if (!is_all(data_[i] + bytes, kFence, kFenceByte)) {
      return "writes past the end of " + spec.name;
    }
    if (spec.role == Role::kOutput && !gaps_intact(spec, data_[i])) {
      return "writes into the gap between rows of " + spec.name;
    }
    if (spec.role == Role::kInput && !input_hash_.empty() &&
        hash_of(data_[i], bytes) != input_hash_[i]) {
      return "changes its input " + spec.name;
    }
  }
  return "";
}

}  // namespace sb
