// What nvcc puts into an object for the GPU: PTX and machine code per architecture. The format is
// not documented by NVIDIA; this was read off nvcc 13.0, and what looks otherwise is refused.
#pragma once

#include <string>
#include <vector>

namespace sb::ptx {

struct FatPart {
  enum Kind { kPtx = 1, kCubin = 2 } kind;
  int arch;           // 80, 90
  std::string bytes;  // text of PTX, an ELF file of a cubin; decompressed
};

// `image`: as the wrapper that is registered with the CUDA runtime points to. Throws
// std::runtime_error for what it does not know.
std::vector<FatPart> parts_of_fat_binary(const void* image);

}  // namespace sb::ptx
