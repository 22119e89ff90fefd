// Decoding, M = 1: a range of one key head's context for its group of query heads, by instruction
// set, and the ways to cut contexts into such ranges for the threads.
#pragma once

#include <cstdint>
#include <vector>

#include "suites/attention/attention_op.h"

namespace sb::attention {

inline constexpr int kDecodeRows = 8;  // that share registers

// What one thread does at a time. Rows are the query heads of the group.
struct DecodePart {
  Head head;
  std::int64_t first = 0, end = 0;  // keys
  std::int64_t first_row = 0, end_row = 0;
  bool packed = false;       // one read of keys and values serves all rows
  bool from_memory = false;  // keys and values of the call outgrow the last-level cache
  int block = 0;             // keys between two rescales
  float* top = nullptr;      // not null: the maximum is fixed, and the largest scores go here
  Partial out;               // rows padded to Arena::padded(d)
};

// A piece of the context of key head `head` (batch * hkv + key head), done by `worker` if the plan
// says who does what.
struct KeyRange {
  std::int64_t head = 0;
  std::int64_t first = 0, end = 0;
  int worker = 0;
};

// Plans list the ranges of a head one after the other, heads in order.
std::vector<KeyRange> plan_unsplit(const Shape& shape);
std::vector<KeyRange> plan_split(const Shape& shape, int workers);
std::vector<KeyRange> plan_lean(const Shape& shape, int workers);

// Flash-Decoding's rule: no split if heads occupy 0.8 of the workers, else the least number (up to
// 128 and to the tiles there are) with 85 % of the best wave efficiency.
int split_count(std::int64_t heads, int workers, std::int64_t tiles);

std::int64_t decode_tile(int d);  // keys

}  // namespace sb::attention
