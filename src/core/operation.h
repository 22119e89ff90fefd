// An operation: what is computed, on which operands, what it costs, and what the right answer is.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/fill.h"
#include "core/params.h"
#include "core/tensor.h"

namespace sb {

// A point of a sweep: what a kernel is asked to do. `threads` is how many it may use.
struct Problem {
  Params params;
  Dtype dtype = Dtype::kF32;
  int threads = 1;
};

// What no algorithm can avoid. Bytes: every input byte read once, every output byte written once.
struct Cost {
  double flops = 0;  // by the family's counting rule; FMA = 2
  double bytes_compulsory = 0;
};

// The right answer for one output, in double, and how far from it is still right. Element
// index[i] (or i, if index is empty: all are checked) passes if
//     |got - value[i]| <= tolerance * scale[i]
// where a NaN must meet a NaN and an infinity its like. err_max_rel of a row is the largest
// |got - value| / scale, so it reads in the unit of `tolerance`. Where scale is 0 the element must
// be exact. For a 16-bit output, `value` is unrounded and `tolerance` includes the half ulp.
struct Expected {
  std::vector<double> value;
  std::vector<double> scale;
  std::vector<std::int64_t> index;  // empty: all; else the sampled elements, ascending
  double tolerance = 0;
};

// A wrong kernel: turns the right outputs into what a planted bug would have produced. The family
// test demands that verification refuses it (on at least the shapes where it changes anything).
struct Mutant {
  std::string name;                                              // "dropped max-subtraction"
  std::function<void(const Problem&, const Operands&)> corrupt;  // outputs hold the right answer
};

// A number beside time: long-form row of metrics.csv.
struct Metric {
  std::string name;
  double value = 0;
  std::string unit;                 // "" for a pure number
  std::string source = "measured";  // measured, counted, static, predicted
};

class Operation {
 public:
  virtual ~Operation() = default;

  virtual std::string_view name() const = 0;     // "softmax"
  virtual std::string_view formula() const = 0;  // one line of mathematics
  virtual std::vector<ParamSpec> params() const = 0;
  virtual std::vector<Dtype> dtypes() const = 0;

  // Empty if the parameters make sense together, else why not (d a multiple of groups, ...).
  virtual std::string why_not(const Problem&) const { return ""; }

  virtual std::vector<TensorSpec> tensors(const Problem&) const = 0;
  virtual Cost cost(const Problem&) const = 0;

  // The operation's own hard fills, by name ("ascending", "half_masked"), and the one used when a
  // workload names none.
  virtual std::vector<std::string> fills() const { return {}; }
  virtual Fill default_fill() const { return {}; }

  // Writes the inputs. The default gives every floating input the fill, each its own stream.
  // An operation with named fills or integer inputs overrides it.
  virtual void fill(const Problem&, const Fill&, std::uint64_t seed, const Operands&) const;

  // One Expected per output, in the order of tensors(). Reads the inputs only. When the full
  // answer would take longer than a few seconds, samples (see Expected::index).
  virtual std::vector<Expected> reference(const Problem&, const Operands&) const = 0;

  virtual std::vector<Mutant> mutants() const = 0;

  // Numbers about the answer that the pass/fail figure does not hold (gradient error, ULP).
  virtual std::vector<Metric> error_metrics(const Problem&, const Operands&,
                                            const std::vector<Expected>&) const {
    return {};
  }
};

}  // namespace sb
