// Operations that the lanes of a warp do together. Internal to the room.
#pragma once

#include "simt/grid.h"

namespace sb::simt {

enum class Together : int { kSyncWarp, kShuffle, kBallot, kMultiply, kLoadMatrices };

constexpr bool in_mask(std::uint32_t mask, unsigned lane) { return (mask >> lane & 1u) != 0; }

// Puts `payload` down for the running lane. True if all lanes of `mask` are there now: `complete`
// then holds what everybody put down. Else returns false once the last one has done the work.
bool meet(Together kind, std::uint32_t mask, void* payload, const char* site, Meeting& complete);
void part(const Meeting& complete);  // by the last one, when the work is done

// Waits for all lanes of `mask`; the last one does `work` on everybody's payload.
template <typename Work>
void together(Together kind, std::uint32_t mask, void* payload, const char* site, Work work) {
  const InRuntime in_runtime;
  Meeting complete;
  if (!meet(kind, mask, payload, site, complete)) return;
  work(complete);
  part(complete);
}

}  // namespace sb::simt
