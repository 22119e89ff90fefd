// Memory for one set of operands, fenced and poisoned, so that a kernel that writes where it must
// not, or does not write where it must, is seen.
#pragma once

#include <string>
#include <vector>

#include "core/buffer.h"
#include "core/tensor.h"

namespace sb {

class OperandSet {
 public:
  // `misalign` shifts every tensor by that many elements off its 64-byte boundary.
  explicit OperandSet(std::vector<TensorSpec> specs, int misalign = 0,
                      Memory memory = Memory::kPrivate);

  const std::vector<TensorSpec>& specs() const { return specs_; }
  const Operands& operands() const { return operands_; }
  Memory memory() const { return memory_; }

  // Fills outputs (gaps of row_stride included) with bytes 0xff: NaN in every floating format, -1
  // in integers. No reference ever expects that NaN pattern by accident: see verify.cpp.
  void poison_outputs();

  void remember_inputs();  // for broken_fence(): inputs must not change

  void put_fences();  // around all tensors: anew, after somebody broke one

  // Empty, or what was overwritten: "writes past the end of y", "changes its input x", ...
  std::string broken_fence() const;

 private:
  std::vector<TensorSpec> specs_;
  Memory memory_;
  std::vector<Buffer> buffers_;
  std::vector<std::byte*> data_;
  std::vector<std::uint64_t> input_hash_;
  Operands operands_;
};

}  // namespace sb
