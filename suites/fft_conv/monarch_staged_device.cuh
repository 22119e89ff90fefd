// The Monarch convolution of sequences that do not fit a block's shared memory: one or two outer
// factors are stages of their own, from memory to memory, and the inner transform of up to 16384
// points goes on as in the fused form. Two sequences of a channel are the real and the imaginary
// part of one: their kernel is real, so they stay apart, and spectra multiply point by point.
#pragma once

#include "suites/fft_conv/monarch_device.cuh"

namespace sb::fft_conv {
namespace {

inline constexpr int kOuterThreads = 128;

// Powers of W = exp(-2 pi i / N) for N up to 2^22: W^j, j < 2048, then W^(2048 j).
__device__ __forceinline__ Complex big_root(const Complex* roots, std::int64_t j) {
  return roots[j & 2047] * roots[2048 + (j >> 11)];
}

// A factor's stage over N points of which those of a column lie 2^log_stride apart.
struct OuterStage {
  Matrix matrix;
  const Complex* roots;
  int log_n, log_radix, log_stride;
  bool inverse;
};

struct OuterColumn {
  std::int64_t first, low;

  __device__ __forceinline__ OuterColumn(const OuterStage& stage, std::int64_t c)
      : first((c >> stage.log_stride << (stage.log_radix + stage.log_stride)) +
              (c & ((std::int64_t{1} << stage.log_stride) - 1))),
        low(c & ((std::int64_t{1} << stage.log_stride) - 1)) {}
};

__device__ __forceinline__ Complex outer_twiddle(const OuterStage& stage, int k, std::int64_t low) {
  const int shift = stage.log_n - stage.log_radix - stage.log_stride;
  const Complex w = big_root(stage.roots, k * low << shift);
  return stage.inverse ? conjugate(w) : w;
}

// The power of two above a warp's largest size, and its inverse.
struct WarpScale {
  float scale, unscale;

  __device__ __forceinline__ explicit WarpScale(float size) {
    SB_UNROLL
    for (int distance = 16; distance > 0; distance /= 2) {
      size = fmaxf(size, __shfl_xor_sync(~0u, size, distance));
    }
    const PowerOfTwo above(size);
    scale = above.inverse();
    unscale = above.value();
  }
};

// Eight columns from c0 on of a stage, by a warp: load(point) gives a point of the sequence,
// store(point, value) takes one.
template <int kBlocks, Bug kBug, typename Load, typename Store>
__device__ __forceinline__ void run_outer_columns(const OuterStage& stage, std::int64_t c0,
                                                  const Load& load, const Store& store) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const OuterColumn own(stage, c0 + lane / 4);
  Complex x[kBlocks][4];
  float size = 0;
  SB_UNROLL
  for (int block = 0; block < kBlocks; ++block) {
    SB_UNROLL
    for (int i = 0; i < 4; ++i) {
      const int k = 16 * block + 8 * (i / 2) + 2 * (lane % 4) + i % 2;
      x[block][i] = load(own.first + (std::int64_t{k} << stage.log_stride));
      if (stage.inverse && kBug != Bug::kNoTwiddle) {
        x[block][i] = x[block][i] * outer_twiddle(stage, k, own.low);
      }
      size = fmaxf(size, size_of(x[block][i]));
    }
  }
  const WarpScale scale(size);  // its shuffles come after all loads: columns may be stored in place
  Columns<kBlocks> columns;
  SB_UNROLL
  for (int block = 0; block < kBlocks; ++block) {
    SB_UNROLL
    for (int half = 0; half < 2; ++half) {
      const Complex a = scale.scale * x[block][2 * half], b = scale.scale * x[block][2 * half + 1];
      columns.re[block][half] = TwoTerms::of(a.re, b.re);
      columns.im[block][half] = TwoTerms::of(a.im, b.im);
    }
  }
  __syncwarp();
  SB_UNROLL
  for (int block = 0; block < kBlocks; ++block) {
    FragmentC re = {}, im = {};
    multiply_block<kBlocks, kBug>(re, im, stage.matrix, block, kBlocks, columns, stage.inverse);
    SB_UNROLL
    for (int e = 0; e < 4; ++e) {
      const OuterColumn column(stage, c0 + 2 * (lane % 4) + e % 2);
      const int k = 16 * block + 8 * (e / 2) + lane / 4;
      Complex y = scale.unscale * Complex{re[e], im[e]};
      if (!stage.inverse && kBug != Bug::kNoTwiddle) y = y * outer_twiddle(stage, k, column.low);
      store(column.first + (std::int64_t{k} << stage.log_stride), y);
    }
  }
}

template <Bug kBug, typename Load, typename Store>
__device__ __forceinline__ void run_outer_stage(const OuterStage& stage, const Load& load,
                                                const Store& store) {
  const int warp = static_cast<int>(blockIdx.x * (kOuterThreads / 32) + threadIdx.x / 32);
  const std::int64_t columns = std::int64_t{1} << (stage.log_n - stage.log_radix);
  for (std::int64_t c0 = 8 * warp; c0 < columns;
       c0 += std::int64_t{8} * (kOuterThreads / 32) * gridDim.x) {
    if (stage.log_radix == 5) {
      run_outer_columns<2, kBug>(stage, c0, load, store);
    } else {
      run_outer_columns<1, kBug>(stage, c0, load, store);
    }
  }
}

// Pairs of sequences and the points that stand for them. Pair p h + c has sequences 2p and 2p + 1
// of channel c.
struct StagedCall {
  const void *in, *gate;  // [b][h][l]; the gate may be null
  void* out;
  Complex* work;  // [pairs][N]
  int b, h, l;
  OuterStage stage;

  template <typename T>
  __device__ __forceinline__ std::int64_t row(int which) const {
    const int pair = static_cast<int>(blockIdx.y);
    return (std::int64_t{2 * (pair / h) + which} * h + pair % h) * l;
  }
  __device__ __forceinline__ bool has_second() const {
    return 2 * (static_cast<int>(blockIdx.y) / h) + 1 < b;
  }
  __device__ __forceinline__ Complex* points() const {
    return work + (std::int64_t{blockIdx.y} << stage.log_n);
  }
};

// The first outer stage: from sequences to points. Grid: any, pairs.
template <typename T, Bug kBug = Bug::kNone>
__global__ void __launch_bounds__(kOuterThreads) staged_in(StagedCall call) {
  const std::int64_t rows[2] = {call.row<T>(0), call.row<T>(1)};
  const T* const in = static_cast<const T*>(call.in);
  const T* const gate = static_cast<const T*>(call.gate);
  const bool second = call.has_second();
  const auto sample = [&](int which, std::int64_t i) {
    if (i >= call.l || (which == 1 && !second)) return 0.0f;
    const float x = to_float(in[rows[which] + i]);
    return gate == nullptr ? x : x * to_float(gate[rows[which] + i]);
  };
  Complex* const points = call.points();
  run_outer_stage<kBug>(
      call.stage,
      [&](std::int64_t i) {
        return Complex{sample(0, i), sample(1, i)};
      },
      [&](std::int64_t i, Complex x) { points[i] = x; });
}

// A stage between: in place.
template <Bug kBug = Bug::kNone>
__global__ void __launch_bounds__(kOuterThreads) staged_between(StagedCall call) {
  Complex* const points = call.points();
  run_outer_stage<kBug>(
      call.stage, [&](std::int64_t i) { return points[i]; },
      [&](std::int64_t i, Complex x) { points[i] = x; });
}

// The last stage back: from points to sequences, gated.
template <typename T, Bug kBug = Bug::kNone>
__global__ void __launch_bounds__(kOuterThreads) staged_out(StagedCall call) {
  const std::int64_t rows[2] = {call.row<T>(0), call.row<T>(1)};
  T* const out = static_cast<T*>(call.out);
  const T* const gate = static_cast<const T*>(call.gate);
  const bool second = call.has_second();
  const auto put = [&](int which, std::int64_t i, float x) {
    if (i >= call.l || (which == 1 && !second)) return;
    if (gate != nullptr) x *= to_float(gate[rows[which] + i]);
    narrow(x, out[rows[which] + i]);
  };
  const Complex* const points = call.points();
  run_outer_stage<kBug>(
      call.stage, [&](std::int64_t i) { return points[i]; },
      [&](std::int64_t i, Complex x) {
        put(0, i, x.re);
        put(1, i, x.im);
      });
}

struct InnerCall {
  Complex* work;           // [pairs][N]
  const Complex* spectra;  // [h][N]; null: points become a spectrum, times `unit`
  int h, log_n;
  float unit;           // sqrt(N)
  Transform transform;  // of one sequence a block
};

// The inner transform of a chunk of points, and back unless it is a spectrum's. Grid: chunks of a
// pair, pairs.
template <Bug kBug = Bug::kNone>
__global__ void __launch_bounds__(kThreads, 1) staged_inner(InnerCall call) {
  SB_SHARED_OF_LAUNCH(float, memory);
  SB_SHARED(Scratch, scratch, [1]);
  const Transform& t = call.transform;
  const Workspace work(memory, t);
  const Share share(1);
  const int m = 1 << t.log_m, channel = static_cast<int>(blockIdx.y) % call.h;
  const std::int64_t chunk = std::int64_t{blockIdx.x} << t.log_m;
  Complex* const points = call.work + (std::int64_t{blockIdx.y} << call.log_n) + chunk;
  float size = 0;
  for (int i = share.thread; i < m; i += share.threads) {
    const Complex x = points[i];
    work.points.set(i, x);
    size = fmaxf(size, size_of(x));
  }
  find_scales(scratch[0], share, size);
  const float unscale = scratch[0].unscale[0];
  transform<kBug>(work.points, t, work.roots, scratch[0].scale);
  if (call.spectra == nullptr) {
    for (int i = share.thread; i < m; i += share.threads) {
      points[i] = (unscale * call.unit) * work.points.get(i);
    }
    return;
  }
  const Complex* const spectrum = call.spectra + (std::int64_t{channel} << call.log_n) + chunk;
  size = 0;
  for (int i = share.thread; i < m; i += share.threads) {
    const Complex x = work.points.get(i) * spectrum[i];
    work.points.set(i, x);
    size = fmaxf(size, size_of(x));
  }
  const float factor = return_to_samples<kBug>(work, t, share, scratch[0], size, unscale);
  for (int i = share.thread; i < m; i += share.threads) points[i] = factor * work.points.get(i);
}

}  // namespace
}  // namespace sb::fft_conv
