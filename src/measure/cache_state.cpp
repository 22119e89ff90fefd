#include "measure/cache_state.h"

#include <algorithm>
#include <cmath>

namespace sb {
namespace {

// A quarter more than the cache: replacement is not exact LRU.
constexpr double kBeyondCache = 1.25;
constexpr double kMemoryShare = 0.4;

std::vector<TensorSpec> outputs_of(const std::vector<TensorSpec>& specs) {
  std::vector<TensorSpec> outputs;
  for (const TensorSpec& spec : specs) {
    if (spec.role == Role::kOutput) outputs.push_back(spec);
  }
  return outputs;
}

std::int64_t bytes_of(const std::vector<TensorSpec>& specs) {
  std::int64_t bytes = 0;
  for (const TensorSpec& spec : specs) bytes += spec.allocated();
  return bytes;
}

// Inputs of `master` with the outputs of `outputs` (which holds nothing else).
Operands with_outputs(const OperandSet& master, const OperandSet& outputs) {
  std::vector<void*> pointers;
  int output = 0;
  for (std::size_t i = 0; i < master.specs().size(); ++i) {
    const bool is_output = master.specs()[i].role == Role::kOutput;
    pointers.push_back(is_output ? outputs.operands().get<void>(output++)
                                 : master.operands().get<void>(static_cast<int>(i)));
  }
  return Operands(std::move(pointers));
}

}  // namespace

Rotation::Rotation(OperandSet& master, CacheState state, std::int64_t last_level_bytes,
                   std::int64_t memory_bytes) {
  sets_.push_back(master.operands());
  if (state == CacheState::kWarm) return;
  const bool whole = state == CacheState::kCold;
  const std::vector<TensorSpec> specs = whole ? master.specs() : outputs_of(master.specs());
  const double set_bytes = static_cast<double>(std::max<std::int64_t>(bytes_of(specs), 1));
  const double wanted = std::ceil(kBeyondCache * static_cast<double>(last_level_bytes) / set_bytes);
  const double affordable =
      std::floor(kMemoryShare * static_cast<double>(memory_bytes) / set_bytes);
  lukewarm_ = affordable < wanted;
  const auto count = static_cast<std::size_t>(std::max(1.0, std::min(wanted, affordable)));
  copies_.reserve(count);
  for (std::size_t i = 1; i <= count; ++i) {
    copies_.emplace_back(specs, 0, master.memory());
    if (whole) copies_.back().copy_inputs_from(master);
    sets_.push_back(whole ? copies_.back().operands() : with_outputs(master, copies_.back()));
  }
}

}  // namespace sb
