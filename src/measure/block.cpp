#include "measure/block.h"

#include <algorithm>

#include "core/registry.h"
#include "machine/topology.h"

namespace sb {
namespace {

constexpr double kMemoryShare = 0.25;

// Slow on purpose: a block that turns out longer than guessed loses more in a crash.
constexpr double kBytesPerSecond = 5e9;
constexpr double kFlopsPerSecond = 5e9;

bool shares(const Group& group) {
  return memory_of(group) == Memory::kPrivate &&
         std::all_of(group.variants.begin(), group.variants.end(), [&](const Variant* variant) {
           return variant->device != Device::kCuda ||
                  !why_not(*variant, group.problem).empty();  // skipped, as without a GPU
         });
}

}  // namespace

double expected_seconds(const Group& group) {
  const Cost cost = group.op->cost(group.problem);
  const double call =
      std::max(cost.bytes_compulsory / kBytesPerSecond, cost.flops / kFlopsPerSecond);
  return static_cast<double>(group.variants.size()) * group.rounds *
         std::max(group.min_time_s, call);
}

double expected_bytes(const Group& group, std::int64_t last_level_bytes) {
  double set = 0;
  for (const TensorSpec& spec : group.op->tensors(group.problem)) {
    set += static_cast<double>(spec.allocated());
  }
  // The master, and what measure/cache_state.cpp lays out.
  const double copies = group.cache == CacheState::kWarm
                            ? 64 << 20
                            : std::max(2 * set, 1.5 * static_cast<double>(last_level_bytes) + set);
  return set + copies;
}

std::span<const Group> joining(std::span<const Group> groups, std::size_t next) {
  const std::string& workload = groups[next].workload;
  std::size_t end = next + 1;
  if (next == 0 || groups[next - 1].workload != workload) {
    while (end < groups.size() && groups[end].workload == workload) ++end;
  }
  return groups.subspan(next, end - next);
}

bool Block::takes(std::span<const Group> groups) const {
  if (groups_ == 0) return true;
  if (closed_ || !std::all_of(groups.begin(), groups.end(), shares)) return false;
  const Topology& machine = topology();
  double seconds = seconds_, bytes = bytes_;
  for (const Group& group : groups) {
    seconds += expected_seconds(group);
    bytes += expected_bytes(group, machine.last_level_bytes());
  }
  return seconds <= longest_s_ && bytes <= kMemoryShare * static_cast<double>(machine.memory_bytes);
}

void Block::add(const Group& group) {
  ++groups_;
  closed_ = !shares(group);
  seconds_ += expected_seconds(group);
  bytes_ += expected_bytes(group, topology().last_level_bytes());
}

}  // namespace sb
