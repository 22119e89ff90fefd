// The flash form of the backward pass: what one thread does with one query head and some blocks of
// its keys, by instruction set.
#pragma once

#include <cstdint>

#include "suites/attention/attention_op.h"

namespace sb::attention {

// Keys per block: dK and dV of a block stay in L2, and tiles of 8 and of 6 keys divide it.
inline constexpr int kBackwardKeys = 72;

struct BackwardTask {
  Head head;  // q, k, v; n, d, diagonal, scale, and the type of what is read
  std::int64_t m = 0;
  Rows<const void*> o, d_o;
  const float* lse = nullptr;
  Rows<float*> dq, dk, dv;  // in float, whatever is read
  bool add = false;         // onto dK and dV: a later head of the group
  int first_block = 0, block_step = 1;
  // FlashAttention-1: no panel outlives its visit; Q, dO and dQ travel to memory and back.
  bool repack = false;
  const PanelShape* panels = nullptr;
  int panel_count = 0;
};

std::int64_t backward_workspace_floats(std::int64_t m, int d, int lanes);

}  // namespace sb::attention
