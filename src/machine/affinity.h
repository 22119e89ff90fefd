// Where OpenMP threads run: one per core, so that a measurement does not wander.
#pragma once

namespace sb {

// Pins thread i of an OpenMP team of `threads` to the i-th allowed core (hardware threads of one
// core are used only when cores run out). Returns false where the system refuses.
bool pin_team(int threads);

}  // namespace sb
