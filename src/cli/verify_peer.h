// `verify --peer 'CMD'` without a workload: the conformance test that any peer can run.
#pragma once

#include "cli/selection.h"

namespace sb {

// Checks the conversation and every kernel on the small problems of configs/peers_conformance.yaml.
// Prints a line per check; returns the exit code.
int verify_peer(Selection selection);

}  // namespace sb
