// What an algorithm consists of, and how it becomes variants.
#pragma once

#include <cstdint>
#include <string>

#include "backend/stored.h"
#include "suites/softmax/softmax_op.h"

namespace sb::softmax {

// What one block of a row contributes to its softmax, and what blocks add up to. The running sum
// is a double: with at most kTermsPerLane float additions in a row one tolerance serves every
// length.
//   three-pass, online: `scale` is the maximum m, the sum is of exp(x - m)
//   two-pass:           `scale` is the exponent e, the sum is of exp(x) * 2^-e
struct Partial {
  float scale;
  double sum;
};

inline constexpr std::int64_t kBlock = 4096;  // elements; 16 KiB stays in any L1 between two looks
inline constexpr std::int64_t kTermsPerLane = 128;

// Elements of a pass: n in a row, or kStreams runs of n / kStreams each, one beginning `apart`
// elements after the other. Memory serves several runs at once faster than one: the hardware's
// prefetchers and the banks work page by page.
struct Span {
  std::int64_t n;
  std::int64_t apart = 0;
};
inline constexpr int kStreams = 4;

// An algorithm, compiled for one instruction set, one storage type, one operation. Every pass works
// on a piece of a row.
struct Passes {
  // Three-pass only: maximum of a piece. Null where the sum pass finds its own.
  float (*maximum)(const void* x, Span span) = nullptr;
  // Sum of at most `block` elements. `scale` is the row's maximum where `maximum` is given, else
  // what the blocks before have reached, the lowest float if there is none. May write y (reload
  // stores the exponentials and says so in `sum_writes`).
  bool sum_writes = false;
  Partial (*sum)(const void* x, void* y, Span span, float scale);
  Partial (*merge)(Partial a, Partial b);
  void (*write)(const void* x, void* y, Span span, Partial total);
  // Can this total be trusted? Null: always. Rows that can't are done by `rescue`.
  bool (*trusted)(Partial total) = nullptr;
  const Passes* rescue = nullptr;
  std::int64_t block;  // elements summed in float before the double takes over; at most kBlock
};

enum class Output { kProbability, kLog };  // softmax, log_softmax

// The passes of one algorithm at one instruction set, null where it offers nothing.
struct Algorithm {
  struct Storage {
    const Passes* f32 = nullptr;
    const Passes* bf16 = nullptr;
    const Passes* f16 = nullptr;
  };
  Storage softmax, softmax_stream;
  Storage log_softmax, log_softmax_stream;
};

struct About {
  std::string name;
  std::string summary;
  std::string paper = "";
  double moved;  // row-lengths read and written by the passes together
};

// Registers the variants of an algorithm: rows are shared out over threads; where there are fewer
// rows than threads, each row is split and its partial results are merged. The streaming forms end
// in "_stream".
struct Registrations {
  Registrations(const About& about, Isa isa, const Algorithm& algorithm,
                const char* source = __builtin_FILE());
};

}  // namespace sb::softmax
