// Which ceiling binds a row, and how near it comes.
#pragma once

#include <string>

#include "core/peaks.h"
#include "core/phase.h"
#include "core/plan.h"

namespace sb {

struct Bound {
  std::string roof_id;  // "mem/copy/t1", with " (declared)"; empty: none is known for this case
  std::string bound;    // "L1", "L2", "L3", "memory" or "compute"
  double floor_ns = 0;  // no kernel that moves these bytes and does these FLOPs can be faster
};

// The larger of two floors: bytes_algorithm over the bandwidth of the level in which the operands
// live, and flops over the FLOP rate of the variant's instruction set. The best kind of traffic
// measured at that level counts (ordinary stores; non-temporal ones for variants that stream), so
// that the share never flatters.
Bound binding_roof(const Group& group, const Variant& variant, double bytes_algorithm, double flops,
                   const Peaks& peaks);

// "L1", "L2", "L3" or "mem": the innermost level that holds `bytes` per thread, or all but a fifth;
// cold operands live in memory whatever their size.
std::string level_of(double bytes, const Group& group, const Peaks& peaks);
std::string level_of(const Group& group, const Peaks& peaks);  // of all operands together

// What bounds a phase that moves this: the fastest measured kind of the same mix (reads only,
// writes only, both). Null: not measured.
const Roof* traffic_roof(const Peaks& peaks, const std::string& level, int threads, bool streams,
                         Traffic traffic);

}  // namespace sb
