// What `profile` saw of one case.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/counter_source.h"
#include "core/phase.h"
#include "core/row.h"

namespace sb {

// All phases of one name together.
struct PhaseTotal {
  std::string name;
  std::int64_t calls = 0;
  int threads = 0;     // that were in it
  double self_ns = 0;  // summed over threads, without the phases inside it
  double span_ns = 0;  // with them
  Traffic traffic;     // summed over threads
  std::string roof_id;
  double floor_ns = 0;  // its traffic at that roof; 0: no traffic is claimed or no roof is known

  // Wall-clock time of the phase, were it shared evenly by its threads.
  double wall_ns() const { return threads > 0 ? span_ns / threads : 0; }
};

struct PhaseSpan {
  const char* name = "";  // the literal of the mark
  int thread = 0;         // 0: the thread that calls the kernel
  double begin_ns = 0, end_ns = 0;
  Traffic traffic;
};

struct CaseProfile {
  Row row;                   // identity, status and reason; bytes_algorithm and bytes_compulsory
  std::string name;          // case_name()
  std::string level;         // where the operands live: "L1", "L2", "L3", "mem"; empty: no peaks
  double bytes_written = 0;  // of the outputs: what write-allocate reads once more
  double call_ns = 0;        // a call without marks
  double marked_ns = 0;      // a call with marks: the phases are shares of it
  double begin_ns = 0;       // of the call with marks, since the beginning of the command
  std::vector<PhaseTotal> phases;
  std::vector<PhaseSpan> spans;
  std::int64_t spans_left_out = 0;
  std::string counted_by;  // name of the counter source; empty: no counters
  std::vector<CounterValue> counters;
};

}  // namespace sb
