// FlashAttention-2's forward pass: what one thread does with one group of panels, by instruction
// set, and how a problem is cut into such tasks.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/buffer.h"
#include "core/isa.h"
#include "core/operation.h"
#include "suites/attention/attention_op.h"

namespace sb::attention {

// How scores and weights are multiplied: as floats (16-bit keys and values are converted block by
// block), or as bf16 pairs by the dot-product instruction of registers or of matrix tiles.
enum class Arithmetic { kFloat, kBf16Dot, kBf16Tile };

using FlashGroup = void (*)(const Head&, const PanelShape*, int count, int key_block,
                            float* workspace);
FlashGroup flash_group(Isa isa, Arithmetic arithmetic);
std::int64_t flash_workspace_floats(int d, int key_block, int lanes);

}  // namespace sb::attention
