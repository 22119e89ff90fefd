// Measured (or declared) ceilings of a machine: what `peaks` writes and `pct_roof` divides by.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sb {

// A bandwidth ceiling has a level and a kind; a FLOP ceiling has an isa and a dtype.
struct Roof {
  std::string id;  // "mem/read/t2", "fma/avx512/f32/t1", "gpu/mem/copy": unique in a Peaks
  bool is_flops = false;
  std::string level;  // "L1", "L2", "L3", "mem"; empty for FLOP roofs
  std::string
      kind;  // "read", "copy", "triad", "write", with "_nt" for non-temporal stores; "fma", "dot"
  std::string isa;    // FLOP roofs
  std::string dtype;  // FLOP roofs
  int threads = 1;
  double value = 0;  // B/s or FLOP/s (SI): the upper decile of the samples, see spread
  double lo = 0;     // 10th and 90th percentile of the samples
  double hi = 0;
  std::string source = "measured";  // or "declared"
  std::string device = "cpu";       // "cuda", and "" for a declared one that may stand for either
};

struct Peaks {
  std::string identity;  // CPU model, core count, kernel: refused on another machine
  std::string date;      // UTC, ISO 8601
  std::vector<std::int64_t> level_bytes;  // capacity of L1d, L2, L3 as one thread sees them
  std::string gpu;                        // its name; empty: no ceilings of a GPU are in here
  std::int64_t gpu_l2_bytes = 0;
  std::vector<Roof> roofs;

  const Roof* find(const std::string& id) const {
    for (const Roof& roof : roofs) {
      if (roof.id == id) return &roof;
    }
    return nullptr;
  }
};

}  // namespace sb
