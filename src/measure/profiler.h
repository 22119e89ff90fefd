// Where the time of a case goes: calls under counters and under marks.
#pragma once

#include <memory>

#include "core/counter_source.h"
#include "core/peaks.h"
#include "core/profile.h"
#include "measure/phase_recorder.h"
#include "measure/prepared_group.h"

namespace sb {

struct ProfileOptions {
  const Peaks* peaks = nullptr;               // null: no roofs
  const CounterProvider* counters = nullptr;  // null: nothing is counted
  PhaseRecorder::Clock::time_point origin;    // of the times in the profile
};

// Verifies the variant, warms it up, and calls it in the group's cache state: once under the
// counters and inside an NVTX range, then bare, then with marks; of these the fastest of three
// counts. A variant that is wrong or throws gets its status and reason in the row.
CaseProfile profile_case(PreparedGroup& prepared, const Group& group, std::size_t which,
                         const ProfileOptions& options);

}  // namespace sb
