// Plans, tables and launches of the Monarch convolution.
#pragma once

#include <algorithm>
#include <cmath>
#include <complex>
#include <map>
#include <memory>
#include <numbers>
#include <string>
#include <vector>

#include "backend/device_variant.cuh"
#include "core/dtype.h"
#include "suites/fft_conv/convolution.h"
#include "suites/fft_conv/monarch_device.cuh"

namespace sb::fft_conv {
namespace {

inline constexpr std::int64_t kLeastN = 256, kMostN = 32768;

// Sequences that a block transforms together.
inline int rows_of_block(std::int64_t n) {
  return static_cast<int>(std::max<std::int64_t>(1, 4096 / n));
}

// Points, roots, and room for what a kernel declares itself.
inline std::size_t monarch_shared_bytes(std::int64_t n) {
  const std::int64_t points = rows_of_block(n) * n / 2, roots = 128 + (n + 127) / 128;
  return static_cast<std::size_t>(points + roots) * sizeof(Complex);
}

// Up to here a block has room for the whole spectrum beside the points.
inline bool stores_spectrum(std::int64_t n) { return n <= 16384; }
inline std::size_t convolve_shared_bytes(std::int64_t n) {
  constexpr int kRest = HeldSpectrum::kRest * kThreads;
  return monarch_shared_bytes(n) +
         static_cast<std::size_t>(stores_spectrum(n) ? n / 2 : kRest) * sizeof(Complex);
}

// exp(-2 pi i j / n), j of any size.
inline std::complex<double> root_of_unity(std::int64_t j, std::int64_t n) {
  const double angle = -2 * std::numbers::pi * static_cast<double>(j % n) / static_cast<double>(n);
  return {std::cos(angle), std::sin(angle)};
}

inline Complex single_precision(std::complex<double> x) {
  return {static_cast<float>(x.real()), static_cast<float>(x.imag())};
}

// Two numbers as f16: of their high parts, or of what these leave out.
inline std::uint32_t packed_part(double a, double b, bool low) {
  const auto part = [low](double x) {
    const std::uint16_t high = float_to_f16(static_cast<float>(x));
    return low ? float_to_f16(static_cast<float>(x - f16_to_float(high))) : high;
  };
  return std::uint32_t{part(b)} << 16 | part(a);
}

// Fragments of a left operand of 16 * blocks rows and columns, as Matrix wants them; `entry(row,
// column)`. Lane 4 g + q has of each 16 x 16 block rows g, g + 8 and columns 2q, 2q + 1, + 8.
template <typename Entry>
std::vector<std::uint32_t> fragments(int blocks, const Entry& entry) {
  std::vector<std::uint32_t> words;
  for (int block = 0; block < blocks * blocks; ++block) {
    for (int kind = 0; kind < 4; ++kind) {
      for (int lane = 0; lane < 32; ++lane) {
        for (int word = 0; word < 4; ++word) {
          const int row = block / blocks * 16 + lane / 4 + word % 2 * 8;
          const int column = block % blocks * 16 + 2 * (lane % 4) + word / 2 * 8;
          const std::complex<double> a = entry(row, column), b = entry(row, column + 1);
          words.push_back(kind < 2 ? packed_part(a.real(), b.real(), kind == 1)
                                   : packed_part(a.imag(), b.imag(), kind == 3));
        }
      }
    }
  }
  return words;
}

// The unitary DFT of `radix` points times kMatrixScale; of 8, two of them along the diagonal.
// `order` says which frequency a row has, and which point a column.
template <typename Order>
std::vector<std::uint32_t> dft_fragments(int radix, const Order& order) {
  return fragments(radix == 32 ? 2 : 1, [&](int row, int column) -> std::complex<double> {
    if (row / radix != column / radix && radix < 16) return 0;
    return root_of_unity(std::int64_t{order(row % radix)} * order(column % radix), radix) *
           (kMatrixScale / std::sqrt(static_cast<double>(radix)));
  });
}

// A transform and the device memory that it points into.
struct MonarchTables {
  explicit MonarchTables(std::int64_t n, bool skips = false) {
    constexpr int kFactors[][3] = {{4, 0, 3}, {4, 0, 4}, {4, 0, 5}, {5, 0, 5},
                                   {4, 4, 3}, {4, 4, 4}, {4, 4, 5}, {4, 5, 5}};
    while (2ll << t.log_m < n) ++t.log_m;
    const int(&factors)[3] = kFactors[t.log_m - 7];
    t.log1 = factors[0];
    t.log2 = factors[1];
    t.log3 = factors[2];
    t.rows = rows_of_block(n);
    t.unit = static_cast<float>(std::sqrt(std::ldexp(1.0, t.log_m)));
    t.skips = skips;
    t.first = matrix(t.log1);
    t.second = t.log2 == 0 ? nullptr : matrix(t.log2);
    t.last = matrix(t.log3);
    add_roots(n);
  }

  // Blocks that do so many sequences, times `y`.
  Blocks blocks(std::int64_t sequences, std::int64_t y = 1) const {
    return {.x = static_cast<unsigned>((sequences + t.rows - 1) / t.rows),
            .y = static_cast<unsigned>(y),
            .threads = kThreads,
            .shared_bytes = monarch_shared_bytes(2ll << t.log_m)};
  }

  Transform t = {};

 private:
  // One for all stages of a radix: what blocks read beside their sequences.
  Matrix matrix(int log_radix) {
    std::shared_ptr<DeviceArray>& of_radix = matrices_[log_radix];
    if (!of_radix) {
      of_radix = on_device(dft_fragments(1 << log_radix, [&](int i) {
        return log_radix < 5 || i < 8 ? i : i < 16 ? i + 16 : i - 8;  // at slot i
      }));
    }
    return of_radix->as<const uint4>();
  }

  void add_roots(std::int64_t n) {
    std::vector<Complex> roots;
    for (int j = 0; j < 128; ++j) roots.push_back(single_precision(root_of_unity(j, n)));
    for (int j = 0; j < n; j += 128) roots.push_back(single_precision(root_of_unity(j, n)));
    t.root_count = static_cast<int>(roots.size());
    roots_ = on_device(roots);
    t.roots = roots_->as<const Complex>();
  }

  std::map<int, std::shared_ptr<DeviceArray>> matrices_;
  std::shared_ptr<DeviceArray> roots_;
};

// The first of the bins 0 ... n/2 that a sparse spectrum leaves out; n/2 + 1: none.
inline int first_zero(const Shape& s) {
  if (s.sparsity == 0) return static_cast<int>(s.n / 2 + 1);
  return static_cast<int>((s.n * (100 - s.sparsity) + 199) / 200);
}

// Whole blocks of the last stage are zero: frequencies M/4 ... 3M/4.
inline bool can_skip(const Shape& s) { return first_zero(s) <= s.n / 8; }

inline std::string why_not_monarch(const Problem& problem) {
  const Shape s(problem);
  if (s.n < kLeastN || s.n > kMostN) return "fused for n = 256 to 32768";
  const std::size_t shared = convolve_shared_bytes(s.n) + sizeof(Scratch);
  if (shared > most_shared_bytes()) {
    return "needs " + std::to_string(shared) + " bytes of shared memory a block";
  }
  if (s.h > 65535) return "more than 65535 channels";
  return "";
}

// Times the tolerance of arithmetic in float: a product of two-term numbers has 22 bits, not 24.
// The worst of 262144 results at n = 256 is off by 1.05 times the tolerance.
inline double tolerance_of_two_terms(const Problem&) { return 2; }

inline Storage storage_of(const Problem& problem) {
  return problem.dtype == Dtype::kF32    ? Storage::kF32
         : problem.dtype == Dtype::kBf16 ? Storage::kBf16
                                         : Storage::kF16;
}

// Blocks of a channel: enough for one a multiprocessor, which has no registers for two, as far as
// there are sequences. Each makes the spectrum anew.
inline unsigned chunks_of(const Shape& s) {
  const std::int64_t rows = rows_of_block(s.n), groups = (s.b + rows - 1) / rows;
  const std::int64_t wanted = (multiprocessors() + s.h - 1) / s.h;
  return static_cast<unsigned>(std::min(groups, wanted));
}

// Spectra of all channels, in device memory.
struct DeviceSpectra {
  DeviceSpectra(const Shape& shape, const MonarchTables& tables)
      : s(shape), plan(tables), values(static_cast<std::size_t>(s.h * s.n / 2) * sizeof(Complex)) {}

  template <Bug kBug>
  void make(const float* taps) const {
    launch(plan.blocks(s.h), monarch_spectra<kBug>,
           SpectrumCall{taps, values.as<Complex>(), static_cast<int>(s.h), static_cast<int>(s.lk),
                        first_zero(s), plan.t});
  }

  Shape s;
  MonarchTables plan;
  DeviceArray values;
};

// kInSpectra: a planted bug of cached spectra.
template <Bug kBug = Bug::kNone, Bug kInSpectra = kBug>
DeviceRun monarch_run(const Problem& problem) {
  const Shape s(problem);
  const MonarchTables plan(s.n, can_skip(s) || kBug == Bug::kSkipsTooMuch);
  const auto spectra = s.cached ? std::make_shared<DeviceSpectra>(s, plan) : nullptr;
  Blocks blocks = plan.blocks(1, s.h);
  blocks.x = chunks_of(s);
  blocks.shared_bytes = convolve_shared_bytes(s.n);
  const auto kernel = stores_spectrum(s.n) ? monarch_convolve<kBug> : monarch_convolve_held<kBug>;
  const auto convolve = [=](const Operands& o) {
    const auto gate = [&](int place) { return s.gated ? o.get<void>(place) : nullptr; };
    launch(blocks, kernel,
           ConvolveCall{o.get<void>(forward::kU), gate(forward::kGateIn), gate(forward::kGateOut),
                        o.get<void>(forward::kY), o.get<float>(forward::kK),
                        s.cached ? spectra->values.template as<Complex>() : nullptr,
                        storage_of(problem), static_cast<int>(s.b), static_cast<int>(s.h),
                        static_cast<int>(s.l), static_cast<int>(s.lk), first_zero(s), plan.t});
  };
  if (!s.cached) return convolve;
  return {[=](const Operands& o) { spectra->template make<kInSpectra>(o.get<float>(forward::kK)); },
          convolve};
}

}  // namespace
}  // namespace sb::fft_conv
