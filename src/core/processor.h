// What kernels may know of the processor beyond its instruction set, for choices that were measured
// on one kind and are wrong on another. Whoever uses it says what was measured, and where.
#pragma once

namespace sb {

// kIntelServer: Intel with AVX-512, whose last level lies behind a mesh.
enum class Processor { kIntelServer, kAmd, kOther };
Processor this_processor();

// Bytes of the first core's unified cache of that level (2 or 3), as Linux says it in sysfs; 0 if
// it does not. (sysconf said 320 MiB for 32 in a virtual machine.)
double cache_bytes(int level);

}  // namespace sb
