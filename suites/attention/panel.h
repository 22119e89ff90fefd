// Panels of query rows and the work of one thread on them, independent of the instruction set.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/dtype.h"

namespace sb::attention {

// Query row i sees keys j < i + diagonal, and no other key. n for no mask at all, 1 for top-left,
// 1 + n - m for bottom-right: the one masking rule of the family.
using Diagonal = std::int64_t;

inline std::int64_t visible_keys(std::int64_t row, Diagonal diagonal, std::int64_t n) {
  const std::int64_t keys = row + diagonal;
  return keys < 0 ? 0 : keys > n ? n : keys;
}

// Rows of one head as they lie in memory; `stride` in elements.
template <class Pointer>
struct Rows {
  Pointer data = nullptr;
  std::int64_t stride = 0;
};

// One head's worth of operands: what a task reads and writes.
struct Head {
  Dtype dtype = Dtype::kF32;
  Rows<const void*> q, k, v;
  Rows<void*> o;
  float* lse = nullptr;  // null: not wanted
  std::int64_t n = 0;
  int d = 0;
  Diagonal diagonal = 0;
  float scale = 1;  // of the scores, log2(e) included
};

// Query rows that share registers: `vectors` registers of rows, 0 for one register of half width.
// With `pairs`, that many registers hold 8 rows each and two words of every row (pairs-inl.h).
struct PanelShape {
  std::int64_t first_row = 0;
  int rows = 0;
  int vectors = 0;
  int pairs = 0;

  int width(int lanes) const { return vectors == 0 ? (lanes + 1) / 2 : vectors * lanes; }
};

inline constexpr int kPanelVectors = 3;
inline constexpr int kGroupPanels = 4;  // panels that share one pass over keys and values

// Cuts m rows into panels: full ones, then a rest whose padding is less than half a register.
std::vector<PanelShape> plan_panels(std::int64_t m, int lanes);

// The same for registers of 16 with a rest of up to 40 rows in pairs of words.
std::vector<PanelShape> plan_panels_with_pairs(std::int64_t m);

// Hands out pieces of a thread's workspace, each on a cache line.
class Arena {
 public:
  explicit Arena(float* begin) : next_(begin) {}
  float* take(std::int64_t floats) {
    float* piece = next_;
    next_ += padded(floats);
    return piece;
  }
  static std::int64_t padded(std::int64_t floats) { return (floats + 15) / 16 * 16; }

 private:
  float* next_;
};

// Floats from one row of values to the next in a block's copy. A tile reads a line of every row;
// rows a multiple of 512 bytes apart share an eighth of the first cache's sets, and 128 of them
// evict each other (d 128: 82 % of the FMA roof in place, 95 % in rows a line further apart).
inline std::int64_t value_row_floats(int d) {
  const std::int64_t row = Arena::padded(d);
  return row % 128 == 0 ? row + 16 : row;
}

}  // namespace sb::attention
