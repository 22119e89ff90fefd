// Which of a machine's ceilings stand over a row.
#pragma once

#include "core/peaks.h"
#include "core/row.h"

namespace sb {

// The thread count whose roofs hold: a GPU has one set of them.
int threads_of(const Row& row);

// The FLOP ceiling for the row's isa, dtype and threads: arithmetic on 16-bit operands happens in
// f32 unless a dot-product instruction has a roof of its own. Null if none was measured.
const Roof* flop_roof_of(const Row& row, const Peaks& peaks);

// The fastest bandwidth ceiling of a level at this thread count (null if none): ordinary stores, or
// non-temporal ones. A roof that only writes bounds no kernel that reads.
const Roof* bandwidth_roof_of(const Peaks& peaks, const std::string& device,
                              const std::string& level, int threads, bool non_temporal);

}  // namespace sb
