// What `profile` prints.
#pragma once

#include <string>
#include <vector>

#include "core/profile.h"

namespace sb {

// Its phases with share of time, GB/s and share of the roof, then its counters; empty for a case
// that was not profiled.
std::string profile_text(const CaseProfile& profile);

// What was not profiled, by reason.
std::string left_out_text(const std::vector<CaseProfile>& profiles);

// The model's bytes beside the counted ones. `why_not`: why nothing could be counted, "" if it was.
std::string audit_text(const std::vector<CaseProfile>& profiles, const std::string& why_not);

// What the audit says of one case.
struct Audit {
  double model = 0;    // bytes_algorithm
  double counted = 0;  // bytes between memory and caches
  std::string counter;
  std::string verdict;
};
Audit audit_of(const CaseProfile& profile);

// The profiles in the trace event format of Chrome, which Perfetto and chrome://tracing open: a
// process, a track per thread, a slice per case and phase with its figures as arguments.
std::string chrome_trace(const std::vector<CaseProfile>& profiles, const std::string& host);

}  // namespace sb
