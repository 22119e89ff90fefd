// The engine of the fused convolution for one instruction set, as functions that a kernel calls: a
// real pass in, the blocks, a real pass out. A team is one or two rows of a channel.
#pragma once

#include <cstdint>

#include "core/dtype.h"
#include "core/isa.h"
#include "suites/fft_conv/fused_plan.h"

namespace sb::fft_conv {

// What to fetch beside other work: of every stream `lines` cache lines per innermost block that is
// computed, and `lines_before` and `lines_after` per 16 columns of the real passes before and
// after.
struct Ahead {
  const char* stream[8] = {};
  int count = 0;
  std::int64_t bytes = 0;  // of each stream
  std::int64_t at = 0;     // where the first stream is; the others are
  std::int64_t skew = 0;   // so many bytes further each, and come back to their beginnings
  int lines = 0;
  int lines_before = 0, lines_after = 0;
  bool nearest = false;  // into the first-level cache, else the second
};

// What a real pass fetches of its own rows, ahead of where it is.
enum class FetchedByPass {
  kNothing,      // it has been fetched
  kFirstLevel,   // 64 to 128 columns ahead
  kSecondLevel,  // 128 to 192
};

struct TeamInput {
  int rows = 1;
  const void* x[2] = {};
  const void* gate[2] = {};  // null: none
  FetchedByPass fetches = FetchedByPass::kNothing;
  Ahead* ahead = nullptr;  // null: nothing is to be fetched beside the pass
};

struct TeamOutput {
  struct Result {
    void* y = nullptr;             // null: not wanted
    const void* factor = nullptr;  // null: none
  };
  int rows = 1;
  Result result[2][2];  // of each row up to two: gradients of u and of its gate
  bool streams = false;
  FetchedByPass fetches = FetchedByPass::kNothing;  // of factors
  Ahead* ahead = nullptr;
};

// Frequencies [begin, end) of a team: the rows' own ones, of which each row has a block, then 0 and
// R/2, whose blocks the rows share.
struct FrequencyRange {
  int begin, end;
};

struct FusedEngine {
  int lanes = 1;

  // Columns [begin, end) of s, multiples of 16.
  void (*forward)(const FusedPlan&, Dtype, const TeamInput&, float* work, std::int64_t begin,
                  std::int64_t end);
  void (*inverse)(const FusedPlan&, Dtype, float* work, const TeamOutput&, std::int64_t begin,
                  std::int64_t end);

  // Blocks of a team of `rows` rows, times the spectrum and back; advances the streams of `ahead`.
  void (*convolve)(const FusedPlan&, float* work, const float* spectrum, int rows, FrequencyRange,
                   Ahead&);
  // Of a kernel alone in its team: its scaled spectrum.
  void (*spectrum)(const FusedPlan&, float* work, float* spectrum, FrequencyRange);

  // u and d are the teams of z and dy g_out. Leaves c in u (if `with_c`) and dz in d; adds the
  // product of d and conj(u) to `sum`, a spectrum.
  void (*gradients)(const FusedPlan&, float* u, float* d, const float* spectrum, float* sum,
                    int rows, bool with_c, FrequencyRange, Ahead&);
  // The blocks of a team of one whose scaled spectrum is `sum`.
  void (*from_spectrum)(const FusedPlan&, const float* sum, float* work, FrequencyRange);
};

// Of an instruction set that this build has code for; else the scalar one.
FusedEngine fused_engine(Isa isa);

}  // namespace sb::fft_conv
