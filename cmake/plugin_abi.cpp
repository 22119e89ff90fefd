// Compiled into every plugin: see softmax-benchConfig.cmake.
#include "abi.h"

extern "C" {
extern const int SB_ABI;  // defined by a program that has the same headers
__attribute__((visibility("default"), used)) const int* softmax_bench_plugin = &SB_ABI;
}
