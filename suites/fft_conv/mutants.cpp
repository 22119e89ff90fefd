#include "suites/fft_conv/mutants.h"

#include <cmath>
#include <cstring>
#include <numbers>
#include <utility>

#include "suites/fft_conv/convolution.h"
#include "suites/fft_conv/reference.h"

namespace sb::fft_conv {
namespace {

// One row's operands in double, as a wrong kernel sees them. y is before the output gate.
struct Row {
  std::vector<double> z;  // u times the input gate
  std::vector<double> k;
  std::vector<double> y;
};
using WrongRow = std::function<std::vector<double>(const Shape&, const Row&)>;

std::vector<double> gate_or_ones(const Problem& problem, const Shape& s, const Operands& o,
                                 int place, std::int64_t first) {
  if (!s.gated) return std::vector<double>(static_cast<std::size_t>(s.l), 1.0);
  return as_doubles(problem.dtype, o.get<void>(place), first, s.l);
}

Row read_row(const Problem& problem, const Shape& s, const Operands& o, std::int64_t row,
             std::int64_t channel) {
  Row r;
  r.z = product(as_doubles(problem.dtype, o.get<void>(forward::kU), row * s.l, s.l),
                gate_or_ones(problem, s, o, forward::kGateIn, row * s.l));
  r.k = without_high_frequencies(
      as_doubles(Dtype::kF32, o.get<void>(forward::kK), channel * s.lk, s.lk), s.n, s.sparsity);
  r.y = circular(Direction::kConvolve, r.k, r.z, s.n);
  return r;
}

void write_row(const Problem& problem, const Shape& s, const Operands& o, std::int64_t row,
               const std::vector<double>& y, const std::vector<double>& gate) {
  for (std::int64_t i = 0; i < s.l; ++i) {
    const auto at = static_cast<std::size_t>(i);
    store_from_double(problem.dtype, o.get<void>(forward::kY), row * s.l + i, y[at] * gate[at]);
  }
}

Mutant wrong_row(std::string name, WrongRow wrong) {
  return {std::move(name), [wrong = std::move(wrong)](const Problem& problem, const Operands& o) {
            const Shape s(problem);
            for (std::int64_t row = 0; row < s.rows(); ++row) {
              write_row(problem, s, o, row, wrong(s, read_row(problem, s, o, row, row % s.h)),
                        gate_or_ones(problem, s, o, forward::kGateOut, row * s.l));
            }
          }};
}

// The four-step transform without its twiddle factors is a transform over two axes: rows and
// columns wrap around without a carry.
std::vector<double> missing_twiddle(const Shape& s, const Row& r) {
  std::int64_t columns = 1;
  while (columns * columns < s.n) columns *= 2;
  const std::int64_t rows = s.n / columns;
  std::vector<double> y(static_cast<std::size_t>(s.n), 0.0);
  for (std::size_t m = 0; m < r.k.size(); ++m) {
    for (std::size_t j = 0; j < r.z.size(); ++j) {
      const auto tap = static_cast<std::int64_t>(m);
      const auto at = static_cast<std::int64_t>(j);
      const std::int64_t row = (tap / columns + at / columns) % rows;
      const std::int64_t column = (tap % columns + at % columns) % columns;
      y[static_cast<std::size_t>(row * columns + column)] += r.k[m] * r.z[j];
    }
  }
  return y;
}

// The forward transform used twice gives the result backwards.
std::vector<double> inverse_conjugate_forgotten(const Shape& s, const Row& r) {
  std::vector<double> y(r.y.size());
  for (std::int64_t i = 0; i < s.n; ++i) y[static_cast<std::size_t>((s.n - i) % s.n)] = r.y[i];
  return y;
}

std::vector<double> nyquist_dropped(const Shape& s, const Row& r) {
  double alternating = 0;
  for (std::size_t i = 0; i < r.y.size(); ++i) alternating += i % 2 == 0 ? r.y[i] : -r.y[i];
  std::vector<double> y = r.y;
  for (std::size_t i = 0; i < y.size(); ++i) {
    y[i] -= (i % 2 == 0 ? alternating : -alternating) / static_cast<double>(s.n);
  }
  return y;
}

Mutant edit_outputs(std::string name, std::function<void(const Shape&, char*, std::size_t)> edit) {
  return {std::move(name), [edit = std::move(edit)](const Problem& problem, const Operands& o) {
            edit(Shape(problem), o.get<char>(forward::kY), size_of(problem.dtype));
          }};
}

Mutant gates_swapped() {
  return {"gates swapped", [](const Problem& problem, const Operands& o) {
            const Shape s(problem);
            if (!s.gated) return;
            std::vector<void*> places;
            for (int place = 0; place <= forward::kGateOut; ++place) {
              places.push_back(o.get<void>(place));
            }
            std::swap(places[forward::kGateIn], places[forward::kGateOut]);
            const Operands swapped(places);
            for (std::int64_t row = 0; row < s.rows(); ++row) {
              write_row(problem, s, o, row, read_row(problem, s, swapped, row, row % s.h).y,
                        gate_or_ones(problem, s, swapped, forward::kGateOut, row * s.l));
            }
          }};
}

Mutant neighbours_kernel() {
  return {"the kernel of the next channel", [](const Problem& problem, const Operands& o) {
            const Shape s(problem);
            for (std::int64_t row = 0; row < s.rows(); ++row) {
              write_row(problem, s, o, row, read_row(problem, s, o, row, (row + 1) % s.h).y,
                        gate_or_ones(problem, s, o, forward::kGateOut, row * s.l));
            }
          }};
}

// Mutants of one output of the backward pass: the right one, edited.
Mutant edit_signal(std::string name, int place,
                   std::function<double(const Shape&, std::int64_t, std::int64_t,
                                        const std::function<double(std::int64_t)>&)>
                       edit) {
  return {std::move(name),
          [place, edit = std::move(edit)](const Problem& problem, const Operands& o) {
            const Shape s(problem);
            if (place > backward::kDk && !s.gated) return;
            void* base = o.get<void>(place);
            const std::vector<double> right = as_doubles(problem.dtype, base, 0, s.elements());
            for (std::int64_t row = 0; row < s.rows(); ++row) {
              const auto at = [&](std::int64_t i) {
                return right[static_cast<std::size_t>(row * s.l + i)];
              };
              for (std::int64_t i = 0; i < s.l; ++i) {
                store_from_double(problem.dtype, base, row * s.l + i, edit(s, row, i, at));
              }
            }
          }};
}

Mutant edit_kernel_gradient(std::string name,
                            std::function<void(const Shape&, const Problem&, const Operands&,
                                               std::int64_t, std::vector<double>&)>
                                edit) {
  return {std::move(name), [edit = std::move(edit)](const Problem& problem, const Operands& o) {
            const Shape s(problem);
            for (std::int64_t channel = 0; channel < s.h; ++channel) {
              void* dk = o.get<void>(backward::kDk);
              std::vector<double> row = as_doubles(Dtype::kF32, dk, channel * s.lk, s.lk);
              edit(s, problem, o, channel, row);
              for (std::int64_t i = 0; i < s.lk; ++i) {
                store_from_double(Dtype::kF32, dk, channel * s.lk + i,
                                  row[static_cast<std::size_t>(i)]);
              }
            }
          }};
}

// d, u of a row of the backward pass with their gates.
std::vector<double> gated(const Problem& problem, const Shape& s, const Operands& o, int place,
                          int gate, std::int64_t row) {
  return product(as_doubles(problem.dtype, o.get<void>(place), row * s.l, s.l),
                 gate_or_ones(problem, s, o, gate, row * s.l));
}

Mutant wrong_du(std::string name,
                std::function<std::vector<double>(const Shape&, const std::vector<double>& k,
                                                  const std::vector<double>& d)>
                    wrong) {
  return {std::move(name), [wrong = std::move(wrong)](const Problem& problem, const Operands& o) {
            using namespace backward;
            const Shape s(problem);
            for (std::int64_t row = 0; row < s.rows(); ++row) {
              const std::vector<double> dz =
                  wrong(s, as_doubles(Dtype::kF32, o.get<void>(kK), row % s.h * s.lk, s.lk),
                        gated(problem, s, o, kDy, kGateOut, row));
              const std::vector<double> gate = gate_or_ones(problem, s, o, kGateIn, row * s.l);
              for (std::int64_t i = 0; i < s.l; ++i) {
                const auto at = static_cast<std::size_t>(i);
                store_from_double(problem.dtype, o.get<void>(kDu), row * s.l + i,
                                  dz[at] * gate[at]);
              }
            }
          }};
}

}  // namespace

std::vector<Mutant> forward_mutants() {
  const auto bytes = [](const Shape& s, std::size_t element) {
    return static_cast<std::size_t>(s.elements()) * element;
  };
  return {
      edit_outputs("all zeros", [bytes](const Shape& s, char* y,
                                        std::size_t size) { std::memset(y, 0, bytes(s, size)); }),
      edit_outputs("last row left from before",
                   [](const Shape& s, char* y, std::size_t size) {
                     const std::size_t row = static_cast<std::size_t>(s.l) * size;
                     std::memset(y + static_cast<std::size_t>(s.rows() - 1) * row, 0xff, row);
                   }),
      edit_outputs("last sample not written",
                   [bytes](const Shape& s, char* y, std::size_t size) {
                     std::memset(y + bytes(s, size) - size, 0, size);
                   }),
      edit_outputs("two rows swapped",
                   [](const Shape& s, char* y, std::size_t size) {
                     const std::size_t row = static_cast<std::size_t>(s.l) * size;
                     if (s.rows() > 1) std::swap_ranges(y, y + row, y + row);
                   }),
      wrong_row("missing twiddle", missing_twiddle),
      wrong_row("conjugate forgotten in the inverse", inverse_conjugate_forgotten),
      wrong_row("conjugate of the kernel's spectrum",
                [](const Shape& s, const Row& r) {
                  return circular(Direction::kCorrelate, r.k, r.z, s.n);
                }),
      wrong_row("wrap-around in causal",
                [](const Shape& s, const Row& r) {
                  std::vector<double> y = r.y;
                  for (std::int64_t i = s.l; i < s.n; ++i) y[i % s.l] += r.y[i];
                  return y;
                }),
      wrong_row("zero padding in circular",
                [](const Shape& s, const Row& r) {
                  return circular(Direction::kConvolve, r.k, r.z, 2 * s.n);
                }),
      wrong_row("bin n/2 dropped", nyquist_dropped),
      wrong_row("1/n forgotten",
                [](const Shape& s, const Row& r) {
                  std::vector<double> y = r.y;
                  for (double& v : y) v *= static_cast<double>(s.n);
                  return y;
                }),
      wrong_row("one sample late",
                [](const Shape& s, const Row& r) {
                  std::vector<double> y = r.y;
                  for (std::int64_t i = 0; i < s.n; ++i) y[(i + 1) % s.n] = r.y[i];
                  return y;
                }),
      neighbours_kernel(),
      gates_swapped(),
  };
}

std::vector<Mutant> backward_mutants() {
  using namespace backward;
  using At = std::function<double(std::int64_t)>;
  const auto zero = [](const Shape&, std::int64_t, std::int64_t, const At&) { return 0.0; };
  return {
      edit_signal("du is zero", kDu, zero),
      edit_signal("dg_in is zero", kDGateIn, zero),
      edit_signal("dg_out is zero", kDGateOut, zero),
      edit_signal("du of the last row is not computed", kDu,
                  [](const Shape& s, std::int64_t row, std::int64_t i, const At& at) {
                    return row == s.rows() - 1 ? NAN : at(i);
                  }),
      edit_signal("dg_out one sample late", kDGateOut,
                  [](const Shape& s, std::int64_t, std::int64_t i, const At& at) {
                    return at((i + s.l - 1) % s.l);
                  }),
      wrong_du("conjugate of the kernel's spectrum forgotten",
               [](const Shape& s, const std::vector<double>& k, const std::vector<double>& d) {
                 return circular(Direction::kConvolve, k, d, s.n);
               }),
      wrong_du("wrap-around in causal",
               [](const Shape& s, const std::vector<double>& k, const std::vector<double>& d) {
                 std::vector<double> dz = circular(Direction::kCorrelate, k, d, s.n);
                 for (std::int64_t i = s.l; i < s.n; ++i) dz[i % s.l] += dz[i];
                 return dz;
               }),
      edit_kernel_gradient("dk is zero",
                           [](const Shape&, const Problem&, const Operands&, std::int64_t,
                              std::vector<double>& dk) { dk.assign(dk.size(), 0.0); }),
      edit_kernel_gradient("dk of the last sequence is not added",
                           [](const Shape& s, const Problem& p, const Operands& o,
                              std::int64_t channel, std::vector<double>& dk) {
                             const std::int64_t row = s.row(s.b - 1, channel);
                             const std::vector<double> part =
                                 circular(Direction::kCorrelate, gated(p, s, o, kU, kGateIn, row),
                                          gated(p, s, o, kDy, kGateOut, row), s.n);
                             for (std::size_t i = 0; i < dk.size(); ++i) dk[i] -= part[i];
                           }),
      edit_kernel_gradient("dk with the gradient's spectrum conjugated",
                           [](const Shape& s, const Problem& p, const Operands& o,
                              std::int64_t channel, std::vector<double>& dk) {
                             dk.assign(dk.size(), 0.0);
                             for (std::int64_t b = 0; b < s.b; ++b) {
                               const std::int64_t row = s.row(b, channel);
                               const std::vector<double> part = circular(
                                   Direction::kCorrelate, gated(p, s, o, kDy, kGateOut, row),
                                   gated(p, s, o, kU, kGateIn, row), s.n);
                               for (std::size_t i = 0; i < dk.size(); ++i) dk[i] += part[i];
                             }
                           }),
  };
}

}  // namespace sb::fft_conv
