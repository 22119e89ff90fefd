#include "measure/cache_state.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "core/fill.h"

namespace sb {
namespace {

// A quarter more than the cache: replacement is not exact LRU.
constexpr double kBeyondCache = 1.25;
constexpr double kMemoryShare = 0.4;

// Places of a warm set: as many as rounds by default, and odd, so that a place meets forward and
// backward rounds. Large sets average over their own pages.
constexpr std::int64_t kMostPlaces = 15;
constexpr std::int64_t kBytesForPlaces = 32 << 20;

constexpr std::int64_t kLine = 64;
constexpr std::int64_t kPage = 4096;
constexpr std::int64_t kLargePage = 2 << 20;

std::int64_t round_up(std::int64_t bytes, std::int64_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

// How many sets to go forward from one call to the next: about 0.62 of them all, so that the next
// set is neither a neighbour, which the hardware would fetch ahead, nor a recent one. Without a
// common divisor every set has its turn before one has its second.
std::int64_t step_through(std::int64_t sets) {
  auto step = static_cast<std::int64_t>(0.618 * static_cast<double>(sets));
  while (std::gcd(step, sets) != 1) ++step;
  return step;
}

}  // namespace

Rotation::Rotation(const OperandSet& master, CacheState state, std::int64_t last_level_bytes,
                   std::int64_t memory_bytes)
    : operands_(master.operands()), rotates_(state != CacheState::kWarm) {
  for (std::size_t i = 0; i < master.specs().size(); ++i) {
    const TensorSpec& spec = master.specs()[i];
    if (state == CacheState::kColdOutput && spec.role == Role::kInput) continue;
    placed_.push_back({i, set_bytes_, spec.allocated()});
    set_bytes_ += round_up(spec.allocated(), kLine);
  }
  if (set_bytes_ == 0) rotates_ = false;
  if (rotates_) {
    choose_sets(last_level_bytes, memory_bytes);
  } else {
    choose_places(memory_bytes);
  }
  if (sets_ > 1) lay_out(master);
}

void Rotation::choose_places(std::int64_t memory_bytes) {
  const std::int64_t affordable = std::min(kBytesForPlaces, memory_bytes / 10);
  sets_ = std::clamp<std::int64_t>(affordable / std::max(set_bytes_, kLine), 1, kMostPlaces);
  sets_ -= sets_ % 2 == 0 ? 1 : 0;
  apart_ = round_up(set_bytes_, kLargePage);
  for (std::int64_t i = 0; i < sets_; ++i) {
    const auto pages = static_cast<std::uint64_t>((apart_ - set_bytes_) / kPage + 1);
    const std::uint64_t page = random_bits(0, static_cast<std::uint64_t>(i)) % pages;
    shifts_.push_back(static_cast<std::int64_t>(page) * kPage);
  }
}

void Rotation::choose_sets(std::int64_t last_level_bytes, std::int64_t memory_bytes) {
  const auto set_bytes = static_cast<double>(set_bytes_);
  const double wanted =
      std::max(2.0, std::ceil(kBeyondCache * static_cast<double>(last_level_bytes) / set_bytes));
  const double affordable =
      std::floor(kMemoryShare * static_cast<double>(memory_bytes) / set_bytes);
  lukewarm_ = affordable < wanted || last_level_bytes <= 0;
  sets_ = static_cast<std::int64_t>(std::max(2.0, std::min(wanted, affordable)));
  apart_ = set_bytes_;
  step_ = step_through(sets_);
}

// Sets have no fences: the kernels have been verified.
void Rotation::lay_out(const OperandSet& master) {
  arena_ = Buffer(static_cast<std::size_t>(apart_ * sets_), master.memory());
  std::memset(arena_.data(), 0, arena_.size());  // touches every page
  for (std::int64_t set = 0; set < sets_; ++set) {
    for (const Placed& tensor : placed_) {
      if (master.specs()[tensor.operand].role != Role::kInput) continue;
      std::memcpy(arena_.as<std::byte>() + begins_at(set) + tensor.offset,
                  master.operands().get<void>(static_cast<int>(tensor.operand)),
                  static_cast<std::size_t>(tensor.bytes));
    }
  }
  move_to(0);
}

void Rotation::touch() const {
  for (const Placed& tensor : placed_) {
    const auto* data =
        operands_.get<const volatile unsigned char>(static_cast<int>(tensor.operand));
    for (std::int64_t i = 0; i < tensor.bytes; i += kLine) static_cast<void>(data[i]);
  }
}

}  // namespace sb
