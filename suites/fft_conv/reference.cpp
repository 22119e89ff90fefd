#include "suites/fft_conv/reference.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>

namespace sb::fft_conv {
namespace {

using Complex = std::complex<double>;

// Textbook radix 2 in place; every factor by its own sine and cosine, so its error is a few ulp.
void fft(std::vector<Complex>& x) {
  const std::size_t n = x.size();
  for (std::size_t i = 1, j = 0; i < n; ++i) {  // bit reversal
    std::size_t bit = n >> 1;
    for (; (j & bit) != 0; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) std::swap(x[i], x[j]);
  }
  std::vector<Complex> w(std::max<std::size_t>(n / 2, 1));
  for (std::size_t i = 0; i < w.size(); ++i) {
    const double angle = -2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(n);
    w[i] = {std::cos(angle), std::sin(angle)};
  }
  for (std::size_t half = 1; half < n; half *= 2) {
    for (std::size_t begin = 0; begin < n; begin += 2 * half) {
      for (std::size_t j = 0; j < half; ++j) {
        const Complex a = x[begin + j];
        const Complex f = w[j * (n / (2 * half))];
        const Complex v = x[begin + j + half];
        const Complex b = {v.real() * f.real() - v.imag() * f.imag(),
                           v.real() * f.imag() + v.imag() * f.real()};
        x[begin + j] = a + b;
        x[begin + j + half] = a - b;
      }
    }
  }
}

std::vector<Complex> spectrum(const std::vector<double>& x, std::int64_t n) {
  std::vector<Complex> z(static_cast<std::size_t>(n));
  std::copy(x.begin(), x.end(), z.begin());
  fft(z);
  return z;
}

// The inverse is the forward transform read backwards.
std::vector<double> real_inverse(std::vector<Complex> z) {
  fft(z);
  const std::size_t n = z.size();
  std::vector<double> x(n);
  for (std::size_t i = 0; i < n; ++i) x[i] = z[(n - i) % n].real() / static_cast<double>(n);
  return x;
}

// c[(j + m) mod n] += a[m] x[j], tap by tap; for correlation tap m shifts the other way.
std::vector<double> direct(Direction direction, const std::vector<double>& a,
                           const std::vector<double>& x, std::int64_t n) {
  std::vector<double> extended(x);
  extended.resize(static_cast<std::size_t>(n), 0.0);
  std::vector<double> c(static_cast<std::size_t>(n), 0.0);
  for (std::size_t m = 0; m < a.size(); ++m) {
    const double tap = a[m];
    if (tap == 0) continue;
    const std::int64_t shift = direction == Direction::kConvolve
                                   ? static_cast<std::int64_t>(m)
                                   : (n - static_cast<std::int64_t>(m)) % n;
    for (std::int64_t i = 0; i < n - shift; ++i) c[i + shift] += tap * extended[i];
    for (std::int64_t i = n - shift; i < n; ++i) c[i + shift - n] += tap * extended[i];
  }
  return c;
}

}  // namespace

std::vector<double> circular(Direction direction, const std::vector<double>& a,
                             const std::vector<double>& x, std::int64_t n) {
  if (n <= kDirect) return direct(direction, a, x, n);
  std::vector<Complex> left = spectrum(a, n);
  const std::vector<Complex> right = spectrum(x, n);
  for (std::size_t f = 0; f < left.size(); ++f) {
    left[f] = (direction == Direction::kConvolve ? left[f] : std::conj(left[f])) * right[f];
  }
  return real_inverse(std::move(left));
}

bool keeps_bin(std::int64_t f, std::int64_t n, std::int64_t percent) {
  return percent == 0 || std::min(f, n - f) * 200 < n * (100 - percent);
}

std::vector<double> without_high_frequencies(const std::vector<double>& k, std::int64_t n,
                                             std::int64_t percent) {
  if (percent == 0) return k;
  std::vector<Complex> z = spectrum(k, n);
  for (std::int64_t f = 0; f < n; ++f) {
    if (!keeps_bin(f, n, percent)) z[static_cast<std::size_t>(f)] = 0;
  }
  return real_inverse(std::move(z));
}

std::vector<double> as_doubles(Dtype dtype, const void* base, std::int64_t first,
                               std::int64_t count) {
  std::vector<double> v(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) {
    v[static_cast<std::size_t>(i)] = load_as_double(dtype, base, first + i);
  }
  return v;
}

std::vector<double> product(std::vector<double> a, const std::vector<double>& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] *= b[i];
  return a;
}

double norm(const std::vector<double>& v) {
  double sum = 0;
  for (const double x : v) sum += x * x;
  return std::sqrt(sum);
}

}  // namespace sb::fft_conv
