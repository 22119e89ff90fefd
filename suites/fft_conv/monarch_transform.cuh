// The Monarch transform (FlashFFTConv, arXiv:2311.05908) of a block of threads: M complex points in
// shared memory, M = N1 N2 N3 with factors that tensor cores multiply by whole: a stage is a
// product of a DFT matrix with the points, its columns, in place. Frequencies come out in the order
// of the digits and are never put back: k = k1 + N1 k2 + N1 N2 k3 lies at (k1 N2 + k2) N3 +
// slot(k3).
//
// Points and matrices enter as two f16 numbers each, high and low part, so a product takes three
// mma.sync: high high + high low + low high, added up in float. Stages are unitary; their matrices
// are kept times kMatrixScale = 8, for which a stage takes an eighth of its points.
//
// Overflow: f16 ends at 65504. Sequences are scaled to below 2^11, so the first stage takes less
// than 2^8 in each part, and as all is unitary no point on the way exceeds 2^8 sqrt(2 M), 46341 for
// M = 2^14. Entries times 8 are at most 8 / sqrt(8) < 3.
//
// Error, relative to a term of a stage's sum: an f16 number leaves out at most 2^-11 of what it
// stands for, so a low part leaves out 2^-22, of the point and of the entry, and the product of the
// low parts, which is not formed, is 2^-22: 3 * 2^-22 at most. Rounding errors are spread evenly
// and numbers have mantissas of all sizes, so each of the three has a root mean square of
// 2^-24.5, together 2^-23.7, where float's own rounding of product and sum has 2^-25.2 each. The
// factor 8 is what makes it so for entries: without it, the low part of an entry, below 2^-13, is a
// subnormal f16 with an error of up to 2^-25 whatever its size, 2^-22.8 in the root mean square of
// the entries of 32 points: of the three errors the one that counts, and twice all of them here.
#pragma once

#include "backend/device_matrix.cuh"

namespace sb::fft_conv {
namespace {

// Planted bugs that the tests must see fail; kNone is the kernel.
enum class Bug {
  kNone,
  kNoBarrier,  // between two stages
  kNoTwiddle,
  kNoLowPart,
  kNoScale,
  kNoMirror,      // the spectrum's second half is not the mirror of its first
  kSkipsTooMuch,  // blocks that are not zero
  kDroppedPart,   // of dk
};

inline constexpr int kThreads = 512;
inline constexpr int kMostRows = 16;  // of a block
inline constexpr float kMatrixScale = 8;

struct Complex {
  float re, im;
};
__device__ __forceinline__ Complex operator+(Complex a, Complex b) {
  return {a.re + b.re, a.im + b.im};
}
__device__ __forceinline__ Complex operator-(Complex a, Complex b) {
  return {a.re - b.re, a.im - b.im};
}
__device__ __forceinline__ Complex operator*(Complex a, Complex b) {
  return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
__device__ __forceinline__ Complex operator*(float a, Complex b) { return {a * b.re, a * b.im}; }
__device__ __forceinline__ Complex conjugate(Complex a) { return {a.re, -a.im}; }
__device__ __forceinline__ Complex times_i(Complex a) { return {-a.im, a.re}; }
__device__ __forceinline__ Complex divided_by_i(Complex a) { return {a.im, -a.re}; }

// Fragments of a stage's matrix for every lane: [row block][column block][re high, re low, im high,
// im low][lane]. Rows and columns of 32 points are in the order of slots, so that the matrix is its
// own transpose and one serves every stage of 32, there and back.
using Matrix = const uint4*;

struct Transform {
  int log_m, log1, log2, log3;  // of M and its factors; log2 = 0: two factors
  int rows;                     // sequences in a block; rows * M points in shared memory
  Matrix first, second, last;
  const Complex* roots;  // W^j, j < 128, then W^(128 j), W = exp(-2 pi i / 2M)
  int root_count;
  float unit;  // sqrt(M): a DFT is that times a unitary transform
  bool skips;  // frequencies with k3 in [8, 24) of 32 are zero: the last stage leaves them out
};

// Frequencies of the last factor 32 lie so that the middle ones, [8, 24), are the second half. In
// eights: 0, 3, 1, 2.
__device__ __forceinline__ int slot(const Transform& t, int k3) {
  return t.log3 != 5 || k3 < 8 ? k3 : k3 < 24 ? k3 + 8 : k3 - 16;
}
__device__ __forceinline__ int position(const Transform& t, int k) {
  const int k1 = k & ((1 << t.log1) - 1), k2 = k >> t.log1 & ((1 << t.log2) - 1);
  return ((k1 << t.log2 | k2) << t.log3) | slot(t, k >> (t.log1 + t.log2));
}

// rows * M points. A stage reads columns as rows lie and writes rows as columns lie: bits 3 and 4
// of an index are mixed with those above, so that neither meets a bank twice.
struct Points {
  float *re, *im;

  __device__ __forceinline__ static int place(int i) {
    const int x = i >> 5;
    return i ^ ((x ^ x >> 2 ^ x >> 4 ^ x >> 6 ^ x >> 8) & 3) << 3;
  }
  __device__ __forceinline__ Complex get(int i) const { return {re[place(i)], im[place(i)]}; }
  __device__ __forceinline__ void set(int i, Complex x) const {
    re[place(i)] = x.re;
    im[place(i)] = x.im;
  }
};

// exp(-2 pi i j / 2M).
__device__ __forceinline__ Complex root(const Complex* roots, int j) {
  return roots[j & 127] * roots[128 + (j >> 7)];
}

// Two numbers as f16, and what is missing to them.
struct TwoTerms {
  std::uint32_t high, low;

  __device__ __forceinline__ static TwoTerms of(float a, float b) {
    const std::uint32_t high = packed<F16>(a, b);
    return {high, packed<F16>(a - lower_half<F16>(high), b - upper_half<F16>(high))};
  }
  __device__ __forceinline__ TwoTerms negated(bool really) const {
    const std::uint32_t sign = really ? 0x80008000u : 0u;
    return {high ^ sign, low ^ sign};
  }
};

__device__ __forceinline__ void load_fragment(FragmentA& to, Matrix from, int at) {
  const uint4 words = from[at * 32 + static_cast<int>(threadIdx.x) % 32];
  to[0] = words.x;
  to[1] = words.y;
  to[2] = words.z;
  to[3] = words.w;
}

// to += (high + low) (b0 + b1 ...), without the product of the low parts.
template <Bug kBug>
__device__ __forceinline__ void add_terms(FragmentC& to, const FragmentA& high,
                                          const FragmentA& low, const TwoTerms (&b)[2]) {
  multiply<F16>(to, high, b[0].high, b[1].high);
  if constexpr (kBug == Bug::kNoLowPart) return;
  multiply<F16>(to, high, b[0].low, b[1].low);
  multiply<F16>(to, low, b[0].high, b[1].high);
}

// Eight columns of 16 * kBlocks rows each, as fragments of a right operand.
template <int kBlocks>
struct Columns {
  TwoTerms re[kBlocks][2], im[kBlocks][2];
};

// Rows [16 block, 16 block + 16) of matrix (conjugated: inverse) times the first `used` blocks of
// the columns.
template <int kBlocks, Bug kBug>
__device__ __forceinline__ void multiply_block(FragmentC& re, FragmentC& im, Matrix matrix,
                                               int block, int used, const Columns<kBlocks>& x,
                                               bool inverse) {
  SB_UNROLL
  for (int k = 0; k < kBlocks; ++k) {
    if (k >= used) break;
    const int at = 4 * (block * kBlocks + k);
    FragmentA high, low;
    load_fragment(high, matrix, at);
    load_fragment(low, matrix, at + 1);
    add_terms<kBug>(re, high, low, x.re[k]);
    add_terms<kBug>(im, high, low, x.im[k]);
    load_fragment(high, matrix, at + 2);
    load_fragment(low, matrix, at + 3);
    const TwoTerms i_re[2] = {x.im[k][0].negated(!inverse), x.im[k][1].negated(!inverse)};
    const TwoTerms i_im[2] = {x.re[k][0].negated(inverse), x.re[k][1].negated(inverse)};
    add_terms<kBug>(re, high, low, i_re);
    add_terms<kBug>(im, high, low, i_im);
  }
}

struct Stage {
  Matrix matrix;
  int log_radix, log_stride;  // rows of a column are 2^log_stride points apart
  bool inverse;
  bool turns;          // has twiddle factors
  bool skips;          // blocks of rows (of columns, if inverse) after the first are zero
  bool slots;          // the last one: frequencies lie by slot
  const float* scale;  // of each sequence's points before the stage; null: none
};

// Column c of a stage: its first point, and that point's place among those with the same digits
// before the stage's.
struct Column {
  int first, low;

  __device__ __forceinline__ Column(const Stage& stage, int c) {
    low = c & ((1 << stage.log_stride) - 1);
    first = (c >> stage.log_stride << (stage.log_radix + stage.log_stride)) + low;
  }
};

// The factor of row k of a column: W^(2 k low M / (radix stride)), of W = exp(-2 pi i / 2M).
__device__ __forceinline__ Complex twiddle(const Transform& t, const Stage& stage,
                                           const Complex* roots, int k, int low) {
  const int shift = t.log_m - stage.log_radix - stage.log_stride + 1;
  const Complex w = root(roots, (k * low) << shift);
  return stage.inverse ? conjugate(w) : w;
}

// The digit that the first of eight rows or columns of a matrix stands for: 16 block + 8 half in
// the order of slots.
template <int kBlocks>
__device__ __forceinline__ int first_digit(int block, int half) {
  if constexpr (kBlocks == 1) return 8 * half;
  return half == 0 ? 8 * block : 24 - 8 * block;
}

// This lane's points of column c0 + lane / 4.
template <int kBlocks, Bug kBug>
__device__ __forceinline__ void load_columns(Columns<kBlocks>& to, const Points& points,
                                             const Transform& t, const Stage& stage,
                                             const Complex* roots, int c0, float scale) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const Column column(stage, c0 + lane / 4);
  SB_UNROLL
  for (int block = 0; block < kBlocks; ++block) {
    SB_UNROLL
    for (int half = 0; half < 2; ++half) {
      const int first =
          stage.slots && stage.inverse ? 16 * block + 8 * half : first_digit<kBlocks>(block, half);
      Complex x[2];
      SB_UNROLL
      for (int e = 0; e < 2; ++e) {
        const int k = first + 2 * (lane % 4) + e;
        x[e] = scale * points.get(column.first + (k << stage.log_stride));
        if (stage.turns && stage.inverse && kBug != Bug::kNoTwiddle) {
          x[e] = x[e] * twiddle(t, stage, roots, k, column.low);
        }
      }
      to.re[block][half] = TwoTerms::of(x[0].re, x[1].re);
      to.im[block][half] = TwoTerms::of(x[0].im, x[1].im);
    }
  }
}

// Rows [16 block, 16 block + 16) of a stage's product, to where they belong.
template <int kBlocks, Bug kBug>
__device__ __forceinline__ void store_rows(const FragmentC& re, const FragmentC& im,
                                           const Points& points, const Transform& t,
                                           const Stage& stage, const Complex* roots, int c0,
                                           int block) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  SB_UNROLL
  for (int e = 0; e < 4; ++e) {
    const Column column(stage, c0 + 2 * (lane % 4) + e % 2);
    const int first = stage.slots && !stage.inverse ? 16 * block + 8 * (e / 2)
                                                    : first_digit<kBlocks>(block, e / 2);
    const int k = first + lane / 4;
    Complex x = {re[e], im[e]};
    if (stage.turns && !stage.inverse && kBug != Bug::kNoTwiddle) {
      x = x * twiddle(t, stage, roots, k, column.low);
    }
    points.set(column.first + (k << stage.log_stride), x);
  }
}

// points = matrix * points along one digit. Forward the twiddles follow, back they come before. The
// block's warps have columns of their own.
template <int kBlocks, Bug kBug>
__device__ __forceinline__ void run_stage(const Points& points, const Transform& t,
                                          const Stage& stage, const Complex* roots) {
  const int warp = static_cast<int>(threadIdx.x) / 32;
  const int columns = t.rows << (t.log_m - stage.log_radix);
  SB_NO_UNROLL
  for (int c0 = 8 * warp; c0 < columns; c0 += 8 * (kThreads / 32)) {
    const int row = c0 >> (t.log_m - stage.log_radix);
    const float scale = stage.scale == nullptr || kBug == Bug::kNoScale ? 1.0f : stage.scale[row];
    Columns<kBlocks> x;
    load_columns<kBlocks, kBug>(x, points, t, stage, roots, c0, scale / kMatrixScale);
    __syncwarp();  // all of the columns are read
    const int rows = stage.skips && !stage.inverse ? 1 : kBlocks;
    SB_NO_UNROLL
    for (int block = 0; block < rows; ++block) {
      FragmentC re = {}, im = {};
      const int blocks = stage.skips && stage.inverse ? 1 : kBlocks;
      multiply_block<kBlocks, kBug>(re, im, stage.matrix, block, blocks, x, stage.inverse);
      store_rows<kBlocks, kBug>(re, im, points, t, stage, roots, c0, block);
    }
  }
  if constexpr (kBug != Bug::kNoBarrier) __syncthreads();
}

// Of the first, second and third factor. The last stage of a factor 8 does two columns at a time:
// its matrix has two blocks.
__device__ __forceinline__ Stage stage_of(const Transform& t, int factor, bool inverse) {
  if (factor == 0) return {t.first, t.log1, t.log2 + t.log3, inverse, true, false, false, nullptr};
  if (factor == 1) return {t.second, t.log2, t.log3, inverse, true, false, false, nullptr};
  return {t.last, t.log3 < 4 ? 4 : t.log3, 0, inverse, false, t.skips, true, nullptr};
}

// Of every sequence times scale[row], there or (inverse) back. All threads; ends with a barrier.
// One copy of the code per radix, whatever the stage: inlined for each it would be a dozen.
template <Bug kBug>
__device__ __forceinline__ void transform(const Points& points, const Transform& t, bool inverse,
                                          const Complex* roots, const float* scale) {
  SB_NO_UNROLL
  for (int i = 0; i < 3; ++i) {
    const int factor = inverse ? 2 - i : i;
    if (factor == 1 && t.log2 == 0) continue;
    Stage stage = stage_of(t, factor, inverse);
    if (i == 0) stage.scale = scale;
    if (stage.log_radix == 5) {
      run_stage<2, kBug>(points, t, stage, roots);
    } else {
      run_stage<1, kBug>(points, t, stage, roots);
    }
  }
}

}  // namespace
}  // namespace sb::fft_conv
