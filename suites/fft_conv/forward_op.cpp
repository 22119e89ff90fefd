// fft_conv: y = iDFT(DFT(u g_in) DFT(k)) g_out, per row of u and with one k per channel.
#include <cmath>

#include "core/registry.h"
#include "suites/fft_conv/fft_conv_op.h"
#include "suites/fft_conv/mutants.h"
#include "suites/fft_conv/reference.h"

namespace sb::fft_conv {
namespace {

using namespace forward;

class FftConv final : public ConvolutionOperation {
 public:
  std::string_view name() const override { return "fft_conv"; }
  std::string_view formula() const override {
    return "y[i] = g_out[i] sum_m k[m] (u g_in)[(i - m) mod n]";
  }

  std::vector<TensorSpec> tensors(const Problem& problem) const override {
    std::vector<TensorSpec> specs = {signal_spec(problem, "u", Role::kInput),
                                     kernel_spec(problem, "k", Role::kInput),
                                     signal_spec(problem, "y", Role::kOutput)};
    if (Shape(problem).gated) {
      specs.push_back(signal_spec(problem, "g_in", Role::kInput));
      specs.push_back(signal_spec(problem, "g_out", Role::kInput));
    }
    return specs;
  }

  // Real transforms: one forward and one back per row, n/2 complex products, a transform of the
  // kernel per channel unless cached.
  Cost cost(const Problem& problem) const override {
    const Shape s(problem);
    const auto n = static_cast<double>(s.n);
    const auto rows = static_cast<double>(s.rows());
    const auto channels = static_cast<double>(s.h);
    const auto elements = static_cast<double>(s.elements());
    const double kernel = s.cached ? 4 * n : 4 * static_cast<double>(s.lk);
    return {.flops = rows * (2 * transform_flops(s.n) + 3 * n) +
                     (s.cached ? 0 : channels * transform_flops(s.n)) +
                     (s.gated ? 2 * elements : 0),
            .bytes_compulsory =
                (s.gated ? 4 : 2) * elements * static_cast<double>(size_of(problem.dtype)) +
                channels * kernel};
  }

  void fill(const Problem& problem, const Fill& fill, std::uint64_t seed,
            const Operands& o) const override {
    if (!Shape(problem).gated) return fill_signals(problem, fill, seed, o, {});
    fill_signals(problem, fill, seed, o, {kGateIn, kGateOut});
  }

  std::vector<Expected> reference(const Problem& problem, const Operands& o) const override {
    const Shape s(problem);
    const std::vector<std::int64_t> rows = sampled_rows(s.rows(), reference_cost(s));
    std::vector<std::vector<double>> y(rows.size());
    std::vector<double> size(rows.size());
#pragma omp parallel for schedule(dynamic)
    for (std::size_t i = 0; i < rows.size(); ++i) y[i] = row(problem, s, o, rows[i], size[i]);

    ExpectedRows expected(s.n, problem.dtype);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const std::int64_t first = rows[i] * s.l;
      if (static_cast<std::int64_t>(rows.size()) < s.rows()) expected.append_index(first, s.l);
      if (s.gated) {
        const std::vector<double> gate =
            as_doubles(problem.dtype, o.get<void>(kGateOut), first, s.l);
        expected.append(y[i], &gate, size[i]);
      } else {
        expected.append(y[i], nullptr, size[i]);
      }
    }
    return {expected.take()};
  }

  std::vector<Mutant> mutants() const override { return forward_mutants(); }

 private:
  // A row before the output gate.
  static std::vector<double> row(const Problem& problem, const Shape& s, const Operands& o,
                                 std::int64_t row, double& size) {
    std::vector<double> z = as_doubles(problem.dtype, o.get<void>(kU), row * s.l, s.l);
    if (s.gated) {
      z = product(std::move(z), as_doubles(problem.dtype, o.get<void>(kGateIn), row * s.l, s.l));
    }
    const std::vector<double> k = without_high_frequencies(
        as_doubles(Dtype::kF32, o.get<void>(kK), row % s.h * s.lk, s.lk), s.n, s.sparsity);
    size = norm(k) * norm(z) / std::sqrt(static_cast<double>(s.n));
    std::vector<double> y = circular(Direction::kConvolve, k, z, s.n);
    y.resize(static_cast<std::size_t>(s.l));
    return y;
  }
};

const Registration fft_conv{std::make_unique<FftConv>()};

}  // namespace
}  // namespace sb::fft_conv
