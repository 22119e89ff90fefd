// Where OpenMP threads run: one per core, so that a measurement does not wander.
#pragma once

#include <vector>

namespace sb {

// Pins thread i of an OpenMP team of `threads` to the i-th allowed core (hardware threads of one
// core are used only when cores run out). Returns false where the system refuses.
bool pin_team(int threads);

// Operating-system numbers of the CPUs that pin_team(threads) uses.
std::vector<int> team_cpus(int threads);

// Lets every thread of another process and of its descendants run on `cpus` only. False where the
// system refuses.
bool confine(int process, const std::vector<int>& cpus);

// The CPUs that some thread of the process or a descendant may use and that are not among `cpus`.
std::vector<int> cpus_outside(int process, const std::vector<int>& cpus);

}  // namespace sb
