// The one header that device code includes. nvcc brings CUDA's words, any other compiler gets them
// from the fibers of simt/. Kernels live in anonymous namespaces of .cu files, because a .cu file
// is compiled twice into one program: by nvcc for the GPU and by the host compiler for fibers.
#pragma once

#if defined(__CUDACC__)
#include <cuda_runtime.h>

#include <cmath>
#include <cstdint>
#define SB_UNROLL _Pragma("unroll")
#define SB_SHARED(type, name, dims) __shared__ __align__(16) type name dims
#else
#include "simt/cuda_language.h"
#endif
