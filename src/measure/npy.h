// NumPy's .npy format, version 1.0, so that anyone can check an answer in NumPy.
#pragma once

#include <string>
#include <vector>

#include "core/tensor.h"

namespace sb {

// bf16, which NumPy does not know, is written as f32 (exact). Gaps of row_stride are left out.
// Both throw std::runtime_error with the file's name.
void write_npy(const std::string& path, const TensorSpec& spec, const void* data);
void write_npy(const std::string& path, const std::vector<std::int64_t>& dims,
               const std::vector<double>& values);

}  // namespace sb
