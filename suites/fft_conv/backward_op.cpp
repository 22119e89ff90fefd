// fft_conv_backward: with z = u g_in, d = dy g_out, c the convolution before its output gate,
//   dz[j] = sum_m k[m] d[(j + m) mod n],   du = dz g_in,   dg_in = dz u,   dg_out = dy c
//   dk[m] = sum_b sum_j z[j] d[(j + m) mod n],  m < lk
#include <algorithm>
#include <cmath>

#include "core/registry.h"
#include "suites/fft_conv/fft_conv_op.h"
#include "suites/fft_conv/mutants.h"
#include "suites/fft_conv/reference.h"

namespace sb::fft_conv {
namespace {

using namespace backward;

constexpr double kUnit = 0x1p-24;  // half an ulp of float

// The rows of one channel that are checked, and what they have in common.
struct Channel {
  std::vector<double> dk;
  double dk_size = 0;  // sqrt of the sum of the rows' squared sizes: rounding errors add like that
};

class FftConvBackward final : public ConvolutionOperation {
 public:
  std::string_view name() const override { return "fft_conv_backward"; }
  std::string_view formula() const override {
    return "dz = corr(k, dy g_out), du = dz g_in, dg_in = dz u, dg_out = dy c, dk = sum_b corr(z, "
           "d)";
  }
  std::string why_not(const Problem& problem) const override {
    if (Shape(problem).sparsity != 0) return "the backward pass takes whole spectra: sparsity = 0";
    return ConvolutionOperation::why_not(problem);
  }

  std::vector<TensorSpec> tensors(const Problem& problem) const override {
    std::vector<TensorSpec> specs = {
        signal_spec(problem, "u", Role::kInput), kernel_spec(problem, "k", Role::kInput),
        signal_spec(problem, "dy", Role::kInput), signal_spec(problem, "du", Role::kOutput),
        kernel_spec(problem, "dk", Role::kOutput)};
    if (Shape(problem).gated) {
      specs.push_back(signal_spec(problem, "g_in", Role::kInput));
      specs.push_back(signal_spec(problem, "g_out", Role::kInput));
      specs.push_back(signal_spec(problem, "dg_in", Role::kOutput));
      specs.push_back(signal_spec(problem, "dg_out", Role::kOutput));
    }
    return specs;
  }

  // Per row the transforms of z and d, the inverse of dz (and of c if gated); per channel the
  // inverse of dk and, unless cached, the kernel's transform.
  Cost cost(const Problem& problem) const override {
    const Shape s(problem);
    const auto n = static_cast<double>(s.n);
    const auto rows = static_cast<double>(s.rows());
    const auto channels = static_cast<double>(s.h);
    const auto elements = static_cast<double>(s.elements());
    const double kernel =
        (s.cached ? 4 * n : 4 * static_cast<double>(s.lk)) + 4 * static_cast<double>(s.lk);
    return {.flops = rows * ((s.gated ? 4 : 3) * transform_flops(s.n) + (s.gated ? 10 : 7) * n) +
                     channels * (s.cached ? 1 : 2) * transform_flops(s.n) +
                     (s.gated ? 5 * elements : 0),
            .bytes_compulsory =
                (s.gated ? 7 : 3) * elements * static_cast<double>(size_of(problem.dtype)) +
                channels * kernel};
  }

  void fill(const Problem& problem, const Fill& fill, std::uint64_t seed,
            const Operands& o) const override {
    if (!Shape(problem).gated) return fill_signals(problem, fill, seed, o, {kDy});
    fill_signals(problem, fill, seed, o, {kDy, kGateIn, kGateOut});
  }

  // Channels are checked whole, because dk needs all of a channel's sequences.
  std::vector<Expected> reference(const Problem& problem, const Operands& o) const override {
    const Shape s(problem);
    const double cost_of_channel = static_cast<double>(s.b) * 3 * reference_cost(s);
    const std::vector<std::int64_t> channels = sampled_rows(s.h, cost_of_channel);
    const bool all = static_cast<std::int64_t>(channels.size()) == s.h;
    ExpectedRows du(s.n, problem.dtype), dg_in(s.n, problem.dtype), dg_out(s.n, problem.dtype);
    std::vector<Channel> sums(channels.size());
    for (std::int64_t b = 0; b < s.b; ++b) {  // rows in the order in which they lie
      std::vector<Gradients> rows(channels.size());
#pragma omp parallel for schedule(dynamic)
      for (std::size_t c = 0; c < channels.size(); ++c) {
        rows[c] = gradients(problem, s, o, s.row(b, channels[c]), sums[c]);
      }
      for (std::size_t c = 0; c < channels.size(); ++c) {
        const std::int64_t first = s.row(b, channels[c]) * s.l;
        append(du, rows[c].dz, s.gated ? &rows[c].g_in : nullptr, rows[c].dz_size, all, first);
        if (!s.gated) continue;
        append(dg_in, rows[c].dz, &rows[c].u, rows[c].dz_size, all, first);
        append(dg_out, rows[c].c, &rows[c].dy, rows[c].c_size, all, first);
      }
    }
    std::vector<Expected> expected = {du.take(), expected_dk(s, channels, sums, all)};
    if (s.gated) {
      expected.push_back(dg_in.take());
      expected.push_back(dg_out.take());
    }
    return expected;
  }

  std::vector<Mutant> mutants() const override { return backward_mutants(); }

 private:
  struct Gradients {
    std::vector<double> u, dy, g_in, dz, c;  // g_in and c only if gated
    double dz_size = 0;
    double c_size = 0;
  };

  static Gradients gradients(const Problem& problem, const Shape& s, const Operands& o,
                             std::int64_t row, Channel& channel) {
    const auto read = [&](Place place) {
      return as_doubles(problem.dtype, o.get<void>(place), row * s.l, s.l);
    };
    const auto cut = [&](std::vector<double> v) {
      v.resize(static_cast<std::size_t>(s.l));
      return v;
    };
    Gradients g{.u = read(kU), .dy = read(kDy)};
    const std::vector<double> k = as_doubles(Dtype::kF32, o.get<void>(kK), row % s.h * s.lk, s.lk);
    std::vector<double> z = g.u;
    std::vector<double> d = g.dy;
    const double per_point = 1 / std::sqrt(static_cast<double>(s.n));
    if (s.gated) {
      g.g_in = read(kGateIn);
      z = product(std::move(z), g.g_in);
      d = product(std::move(d), read(kGateOut));
      g.c = cut(circular(Direction::kConvolve, k, z, s.n));
      g.c_size = norm(k) * norm(z) * per_point;
    }
    g.dz = cut(circular(Direction::kCorrelate, k, d, s.n));
    g.dz_size = norm(k) * norm(d) * per_point;
    const std::vector<double> part = circular(Direction::kCorrelate, z, d, s.n);
    if (channel.dk.empty()) channel.dk.assign(static_cast<std::size_t>(s.lk), 0.0);
    for (std::size_t i = 0; i < channel.dk.size(); ++i) channel.dk[i] += part[i];
    const double size = norm(z) * norm(d) * per_point;
    channel.dk_size = std::hypot(channel.dk_size, size);
    return g;
  }

  static void append(ExpectedRows& rows, const std::vector<double>& row,
                     const std::vector<double>* gate, double size, bool all, std::int64_t first) {
    if (!all) rows.append_index(first, static_cast<std::int64_t>(row.size()));
    rows.append(row, gate, size);
  }

  // b float additions on top of the transforms.
  static Expected expected_dk(const Shape& s, const std::vector<std::int64_t>& channels,
                              const std::vector<Channel>& sums, bool all) {
    ExpectedRows rows(s.n, Dtype::kF32);
    for (std::size_t c = 0; c < channels.size(); ++c) {
      append(rows, sums[c].dk, nullptr, sums[c].dk_size, all, channels[c] * s.lk);
    }
    Expected dk = rows.take();
    dk.tolerance += kUnit * std::sqrt(static_cast<double>(s.b));
    return dk;
  }
};

const Registration fft_conv_backward{std::make_unique<FftConvBackward>()};

}  // namespace
}  // namespace sb::fft_conv
