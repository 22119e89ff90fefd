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

// What brings a warp's largest size into (2^9, 2^11), and its inverse.
struct WarpScale {
  float scale, unscale;

  __device__ __forceinline__ explicit WarpScale(float size) {
    SB_UNROLL
    for (int distance = 16; distance > 0; distance /= 2) {
      size = fmaxf(size, __shfl_xor_sync(~0u, size, distance));
    }
    const PowerOfTwo lowered(size);
    scale = lowered.inverse();
    unscale = lowered.value();
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
      const float factor = scale.scale / kMatrixScale;
      const Complex a = factor * x[block][2 * half], b = factor * x[block][2 * half + 1];
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
  SB_NO_UNROLL
  for (std::int64_t c0 = 8 * warp; c0 < columns;
       c0 += std::int64_t{8} * (kOuterThreads / 32) * gridDim.x) {
    if (stage.log_radix == 5) {
      run_outer_columns<2, kBug>(stage, c0, load, store);
    } else {
      run_outer_columns<1, kBug>(stage, c0, load, store);
    }
  }
}

// One number of an array, whatever it is stored as.
__device__ __forceinline__ float number_at(const void* all, Storage storage, std::int64_t i) {
  if (storage == Storage::kF32) return static_cast<const float*>(all)[i];
  const std::uint16_t bits = static_cast<const F16*>(all)[i].bits;
  return storage == Storage::kBf16 ? to_float(Bf16{bits}) : to_float(F16{bits});
}
__device__ __forceinline__ void put_number(void* all, Storage storage, std::int64_t i, float x) {
  if (storage == Storage::kF32) return narrow(x, static_cast<float*>(all)[i]);
  if (storage == Storage::kBf16) return narrow(x, static_cast<Bf16*>(all)[i]);
  narrow(x, static_cast<F16*>(all)[i]);
}

// An outer stage over the points of pairs of sequences. Pair p h + c has sequences 2p and 2p + 1 of
// channel c. The first stage takes the sequences, the last one back gives them; all others, and
// these at their other end, have the points in memory.
struct OuterCall {
  const void *in, *gate;  // [b][h][l]; either may be null
  void* out;
  Storage storage;
  Complex* points;  // [pairs][N]
  int b, h, l;
  OuterStage stage;
};

// The sequences of a block's pair.
struct PairOfRows {
  const OuterCall& call;
  std::int64_t rows[2];
  bool has_second;

  __device__ __forceinline__ explicit PairOfRows(const OuterCall& all) : call(all) {
    const int pair = static_cast<int>(blockIdx.y);
    const int first = 2 * (pair / call.h);
    rows[0] = (std::int64_t{first} * call.h + pair % call.h) * call.l;
    rows[1] = rows[0] + std::int64_t{call.h} * call.l;
    has_second = first + 1 < call.b;
  }
  __device__ __forceinline__ bool has(int which, std::int64_t i) const {
    return i < call.l && (which == 0 || has_second);
  }
  __device__ __forceinline__ float gated(float x, std::int64_t at) const {
    return call.gate == nullptr ? x : x * number_at(call.gate, call.storage, at);
  }
  __device__ __forceinline__ float get(int which, std::int64_t i) const {
    if (!has(which, i)) return 0;
    return gated(number_at(call.in, call.storage, rows[which] + i), rows[which] + i);
  }
  __device__ __forceinline__ void put(int which, std::int64_t i, float x) const {
    if (!has(which, i)) return;
    put_number(call.out, call.storage, rows[which] + i, gated(x, rows[which] + i));
  }
};

// Grid: any, pairs.
template <Bug kBug = Bug::kNone>
__global__ void __launch_bounds__(kOuterThreads) staged_outer(OuterCall call) {
  const PairOfRows rows(call);
  Complex* const points = call.points + (std::int64_t{blockIdx.y} << call.stage.log_n);
  run_outer_stage<kBug>(
      call.stage,
      [&](std::int64_t i) {
        return call.in == nullptr ? points[i] : Complex{rows.get(0, i), rows.get(1, i)};
      },
      [&](std::int64_t i, Complex x) {
        if (call.out == nullptr) {
          points[i] = x;
        } else {
          rows.put(0, i, x.re);
          rows.put(1, i, x.im);
        }
      });
}

// What the inner transform is for.
enum class Inner {
  kSpectrum,   // there, times `factor`
  kConvolve,   // there, times the kernel's spectrum, and back
  kApply,      // points are a spectrum: times the kernel's, and back
  kCorrelate,  // there, times the conjugate of the kernel's, and back; `kept`, the spectrum of z,
               // becomes conj Z D, of whose transform back the real part is both sequences' dk
  kSum,        // points are spectra: those of all pairs of a channel added up, and back
};

struct InnerCall {
  Inner what;
  const Complex* from;     // [pairs][N]
  Complex* to;             // [pairs][N], may be `from`
  const Complex* spectra;  // [h][N], of the kernels
  Complex* kept;           // [pairs][N]
  int h, log_n;
  int parts;            // kSum: pairs of a channel
  float factor;         // of what goes to memory
  Transform transform;  // of one sequence a block
};

// Grid: chunks of a pair (kSum: of a channel), pairs (kSum: channels).
template <Bug kBug = Bug::kNone>
__global__ void __launch_bounds__(kThreads, 1) staged_inner(InnerCall call) {
  SB_SHARED_OF_LAUNCH(float, memory);
  SB_SHARED(Scratch, scratch, [1]);
  const Transform& t = call.transform;
  const Workspace work(memory, t);
  const Share share(1);
  const auto for_points = [&](const auto& visit) {
    for (int i = share.thread; i < 1 << t.log_m; i += share.threads) visit(i);
  };
  const std::int64_t chunk = std::int64_t{blockIdx.x} << t.log_m;
  const std::int64_t own = (std::int64_t{blockIdx.y} << call.log_n) + chunk;
  const int channel = static_cast<int>(blockIdx.y) % call.h;
  const int parts = call.parts - (kBug == Bug::kDroppedPart && call.what == Inner::kSum);
  float size = 0, unscale = 1;
  for_points([&](int i) {
    Complex x = {0, 0};
    SB_NO_UNROLL
    for (int first = 0; first < parts; first += 4) {  // loads of four at a time, added in order
      SB_UNROLL
      for (int part = first; part < first + 4; ++part) {
        if (part < parts) x = x + call.from[own + (std::int64_t{part} * call.h << call.log_n) + i];
      }
    }
    work.points.set(i, x);
    size = fmaxf(size, size_of(x));
  });
  if (call.what != Inner::kApply && call.what != Inner::kSum) {
    find_scales(scratch[0], share, size);
    unscale = scratch[0].unscale[0];
    transform<kBug>(work.points, t, false, work.roots, scratch[0].scale);
  }
  if (call.what == Inner::kSpectrum) {
    for_points([&](int i) { call.to[own + i] = unscale * call.factor * work.points.get(i); });
    return;
  }
  if (call.what != Inner::kSum) {
    const Complex* const spectrum = call.spectra + (std::int64_t{channel} << call.log_n) + chunk;
    size = 0;
    for_points([&](int i) {
      Complex x = work.points.get(i), k = spectrum[i];
      if (call.what == Inner::kCorrelate) {
        call.kept[own + i] = unscale * (conjugate(call.kept[own + i]) * x);
        k = kBug == Bug::kNoMirror ? k : conjugate(k);
      }
      x = x * k;
      work.points.set(i, x);
      size = fmaxf(size, size_of(x));
    });
  }
  const float factor =
      call.factor * return_to_samples<kBug>(work, t, share, scratch[0], size, unscale);
  for_points([&](int i) { call.to[own + i] = factor * work.points.get(i); });
}

}  // namespace
}  // namespace sb::fft_conv
