// The operands of an operation: what they are called, how they lie in memory, where they are.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/dtype.h"

namespace sb {

enum class Role { kInput, kOutput };

// Row-major. The last dimension is contiguous; consecutive rows (of the last dimension) lie
// `row_stride` elements apart, 0 meaning "no gap". The gap belongs to nobody: no kernel may write
// it, and verification looks.
struct TensorSpec {
  std::string name;
  Dtype dtype = Dtype::kF32;
  std::vector<std::int64_t> dims;
  Role role = Role::kInput;
  std::int64_t row_stride = 0;

  std::int64_t count() const;                  // elements, gaps not counted
  std::int64_t cols() const;                   // extent of the last dimension
  std::int64_t offset(std::int64_t i) const {  // where element i lies, in elements
    return row_stride == 0 ? i : i / cols() * row_stride + i % cols();
  }
  std::int64_t bytes() const;      // count() in bytes: what has to move
  std::int64_t allocated() const;  // bytes from the first element to the last, gaps included
};

// One pointer per tensor, in the order in which the operation declares them: an operation names
// the places with an enum (softmax: kX, kY). Cheap to index, because rotating operand sets change
// between two timed calls.
class Operands {
 public:
  Operands() = default;
  explicit Operands(std::vector<void*> pointers) : pointers_(std::move(pointers)) {}
  template <typename T>
  T* get(int place) const {
    return static_cast<T*>(pointers_[static_cast<std::size_t>(place)]);
  }
  std::size_t size() const { return pointers_.size(); }
  void move_to(std::size_t place, void* pointer) { pointers_[place] = pointer; }
  bool operator==(const Operands&) const = default;

 private:
  std::vector<void*> pointers_;
};

}  // namespace sb
