// Measured ceilings of this machine (core/peaks.h has the types).
#pragma once

#include <string>

#include "core/peaks.h"

namespace sb {

// Bandwidth of each cache level and of memory, and FLOP rates, for one thread and for all.
// `quick` takes a few seconds, else about half a minute.
Peaks measure_peaks(bool quick);

// JSON. Both throw std::runtime_error with file and cure: not readable, corrupt, another machine's.
void save_peaks(const Peaks& peaks, const std::string& path);
Peaks load_peaks(const std::string& path);  // refuses another machine's: identity must match

// $SOFTMAX_BENCH_PEAKS, else $XDG_CACHE_HOME/softmax-bench/peaks-<hash of the identity>.json
std::string peaks_cache_path();

}  // namespace sb
