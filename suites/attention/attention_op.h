// The attention family: shapes, where the operands lie, and the pieces of its three operations that
// are the same mathematics. O = softmax(scale * Q K^T + mask) V per head, scale = 1/sqrt(d).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/isa.h"
#include "core/operation.h"
#include "suites/attention/merge.h"
#include "suites/attention/panel.h"

namespace sb::attention {

// Places of the operands. The log-sum-exp output is there only with lse=true.
namespace forward {
enum Place { kQ, kK, kV, kO, kLse };
}
namespace backward {
enum Place { kQ, kK, kV, kO, kLse, kDO, kDQ, kDK, kDV };
}
namespace decode {
enum Place { kQ, kK, kV, kO };
}

inline constexpr double kLog2E = 1.4426950408889634;

// Parameters of a problem as numbers, and the layout they imply. Query tensors are (b, h, m, d) or
// (b, m, h, d), key tensors alike with hkv and n; rows of d elements lie `row` elements apart.
struct Shape {
  explicit Shape(const Problem& problem);

  std::int64_t b, h, hkv, m, n;
  int d;
  std::string causal;
  bool heads_inside;        // layout = bnhd
  std::int64_t row;         // elements from one row of d to the next
  std::int64_t ragged = 1;  // decode: the longest context over the shortest

  std::int64_t group() const { return h / hkv; }
  Diagonal diagonal() const { return causal == "none" ? n : causal == "top_left" ? 1 : 1 + n - m; }
  std::int64_t context(std::int64_t batch) const;  // keys of a sequence; n unless ragged
  double scale() const;
  double visible_pairs() const;  // (query, key) pairs of one head that count

  TensorSpec queries(std::string name, Dtype dtype, Role role) const;
  TensorSpec keys(std::string name, Dtype dtype, Role role) const;

  // Element offset of row 0 of a head, and from row to row inside it.
  std::int64_t query_head(std::int64_t batch, std::int64_t head) const {
    return (heads_inside ? batch * m * h + head : (batch * h + head) * m) * row;
  }
  std::int64_t key_head(std::int64_t batch, std::int64_t head) const {
    return (heads_inside ? batch * n * hkv + head : (batch * hkv + head) * n) * row;
  }
  std::int64_t query_stride() const { return heads_inside ? h * row : row; }
  std::int64_t key_stride() const { return heads_inside ? hkv * row : row; }
  // Row (batch, head, i) of a query tensor, in the order in which its rows lie.
  std::int64_t query_row(std::int64_t batch, std::int64_t head, std::int64_t i) const {
    return heads_inside ? (batch * m + i) * h + head : (batch * h + head) * m + i;
  }
  std::int64_t key_row(std::int64_t batch, std::int64_t head, std::int64_t j) const {
    return heads_inside ? (batch * n + j) * hkv + head : (batch * hkv + head) * n + j;
  }
};

// Parameters that all operations of the family have, and the check that they fit together.
std::vector<ParamSpec> shape_params(bool with_queries);
std::string why_not_shape(const Problem& problem);

inline const void* at(Dtype dtype, const void* base, std::int64_t element) {
  return static_cast<const char*>(base) + element * static_cast<std::int64_t>(size_of(dtype));
}
inline void* at(Dtype dtype, void* base, std::int64_t element) {
  return static_cast<char*>(base) + element * static_cast<std::int64_t>(size_of(dtype));
}

// Query head `head` of sequence `batch` with the key head it reads.
Head head_of(const Shape& shape, Dtype dtype, const Operands& operands, std::int64_t batch,
             std::int64_t head);

int lanes_of(Isa isa);  // floats in the widest register
Isa widest_isa();       // of those that can run here

// The family's own fills ("large_scores", ...) for the inputs of any of its operations.
std::vector<std::string> family_fills();
void fill_inputs(const Operation& op, const Problem& problem, const Fill& fill, std::uint64_t seed,
                 const Operands& operands);

}  // namespace sb::attention
