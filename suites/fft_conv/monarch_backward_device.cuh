// The backward pass of the Monarch convolution. A block has some sequences of one channel, a few at
// a time: it transforms z = u g_in and keeps the spectrum, transforms d = dy g_out, and from both
// gets dz (back to samples at once) and the spectrum of dk (added up, in an order of its own). A
// second launch adds the blocks' parts in order and transforms them back: no atomics.
//
// Correlation of packed spectra, r[m] = sum_j a[j] d[j + m], with Ae, Ao of a's even and odd
// samples:
//
//   W[k] = conj Ae D[k] + conj Ao / 2i ((1 - conj v) D[k] - (1 + conj v) conj D[M-k])
#pragma once

#include "suites/fft_conv/monarch_device.cuh"

namespace sb::fft_conv {
namespace {

struct BackwardCall {
  const void *u, *dy, *g_in, *g_out;  // [b][h][l]; gates may be null
  void *du, *dg_in, *dg_out;
  const Complex* spectra;  // of the kernels
  Complex* kept;           // [h][parts][M]: spectra of z, by position
  Complex* parts;          // [h][parts][M]: of dk
  Storage storage;
  int b, h, l;
  int chunks;  // blocks of a channel; parts = chunks * rows
  Transform transform;
};

__device__ __forceinline__ Complex correlated(const Taps& a, Complex v, Complex at,
                                              Complex mirrored) {
  const Complex one = {1, 0}, turned = conjugate(v);
  const Complex crossed = (one - turned) * at - (one + turned) * conjugate(mirrored);
  return conjugate(a.even) * at + conjugate(a.odd) * (0.5f * divided_by_i(crossed));
}

// The part of dk's spectrum, and of memory, that a share of a block has.
struct Part {
  Complex *kept, *sum;

  __device__ __forceinline__ Part(const BackwardCall& call, const Share& share) {
    const std::int64_t part =
        (std::int64_t{blockIdx.y} * call.chunks + blockIdx.x) * call.transform.rows + share.row;
    kept = call.kept + (part << call.transform.log_m);
    sum = call.parts + (part << call.transform.log_m);
  }
};

// Puts the spectrum of d into W for dz, adds that of dk to the part; gives W's largest size.
template <Bug kBug>
__device__ __forceinline__ float correlate(const Workspace& work, const Transform& t,
                                           const Share& share,
                                           const StoredSpectrum<const Complex*>& spectrum,
                                           const Part& part, float unscale, bool first) {
  const int first_point = share.row << t.log_m;
  float size = 0;
  for_pairs(t, share, [&](const FrequencyPair& p) {
    const Complex v = root(work.roots, 2 * p.k);
    const Complex d = work.points.get(first_point + p.at);
    const Complex d_mirrored =
        work.points.get(first_point + (kBug == Bug::kNoMirror ? p.at : p.mirrored));
    const Taps z = Taps::of({part.kept[p.at], part.kept[p.mirrored]});
    const Complex zero = {0, 0};
    part.sum[p.at] = (first ? zero : part.sum[p.at]) + unscale * correlated(z, v, d, d_mirrored);
    if (p.mirrored != p.at) {
      part.sum[p.mirrored] = (first ? zero : part.sum[p.mirrored]) +
                             unscale * correlated(z.conjugated(), conjugate(v), d_mirrored, d);
    }
    const Taps taps = Taps::of(spectrum.get(p));
    const Complex w = correlated(taps, v, d, d_mirrored);
    const Complex w_mirrored = correlated(taps.conjugated(), conjugate(v), d_mirrored, d);
    work.points.set(first_point + p.at, w);
    if (p.mirrored != p.at) work.points.set(first_point + p.mirrored, w_mirrored);
    size = fmaxf(size, fmaxf(size_of(w), size_of(w_mirrored)));
  });
  return size;
}

// Sequences from `first` on of a channel, one a share.
template <Bug kBug>
__device__ __forceinline__ void differentiate_rows(const BackwardCall& call, const Workspace& work,
                                                   const Share& share, Scratch& scratch,
                                                   int first) {
  const Transform& t = call.transform;
  const int channel = static_cast<int>(blockIdx.y), batch = first + share.row;
  const bool inside = batch < call.b;
  const std::int64_t row = (std::int64_t{batch} * call.h + channel) * call.l;
  const auto load = [&](const void* all, const void* gates) {
    return load_points(work.points, t, share, call.storage, all, gates, row, inside, call.l);
  };
  const auto store = [&](void* all, const void* gates, float factor) {
    if (!inside) return;
    store_points(work.points, t, share, call.storage, all, gates, row, call.l, factor);
  };
  const StoredSpectrum<const Complex*> spectrum = {call.spectra +
                                                   (std::int64_t{channel} << t.log_m)};
  const Part part(call, share);
  const int m = 1 << t.log_m, first_point = share.row << t.log_m;

  find_scales(scratch, share, load(call.u, call.g_in));
  float unscale = scratch.unscale[share.row];
  transform<kBug>(work.points, t, false, work.roots, scratch.scale);
  for_pairs(t, share, [&](const FrequencyPair& p) {
    part.kept[p.at] = unscale * work.points.get(first_point + p.at);
    part.kept[p.mirrored] = unscale * work.points.get(first_point + p.mirrored);
  });
  if (call.g_out != nullptr) {
    const float size = multiply_spectra<kBug>(work, t, share, spectrum, m + 1);
    const float factor = return_to_samples<kBug>(work, t, share, scratch, size, unscale);
    store(call.dg_out, call.dy, factor);
  }
  __syncthreads();  // points and scales are read
  find_scales(scratch, share, load(call.dy, call.g_out));
  unscale = scratch.unscale[share.row];
  transform<kBug>(work.points, t, false, work.roots, scratch.scale);
  const bool first_of_block = first < static_cast<int>(gridDim.x) * t.rows;
  const float size = correlate<kBug>(work, t, share, spectrum, part, unscale, first_of_block);
  const float factor = return_to_samples<kBug>(work, t, share, scratch, size, unscale);
  store(call.du, call.g_in, factor);
  if (call.g_in != nullptr) store(call.dg_in, call.u, factor);
  __syncthreads();  // points and scales are read
}

// Grid: chunks, h. Shared memory: that of the transform's workspace.
template <Bug kBug = Bug::kNone>
__global__ void __launch_bounds__(kThreads, 1) monarch_backward(BackwardCall call) {
  SB_SHARED_OF_LAUNCH(float, memory);
  SB_SHARED(Scratch, scratch, [1]);
  const Workspace work(memory, call.transform);
  const Share share(call.transform.rows);
  const int step = static_cast<int>(gridDim.x) * call.transform.rows;
  for (int first = static_cast<int>(blockIdx.x) * call.transform.rows; first < call.b;
       first += step) {
    differentiate_rows<kBug>(call, work, share, scratch[0], first);
  }
}

struct SumCall {
  const Complex* parts;  // [h][count][M]
  float* dk;             // [h][lk]
  int h, count, lk;
  Transform transform;
};

// dk of a channel per share. Grid: h / rows rounded up.
template <Bug kBug = Bug::kNone>
__global__ void __launch_bounds__(kThreads, 1) monarch_sum(SumCall call) {
  SB_SHARED_OF_LAUNCH(float, memory);
  SB_SHARED(Scratch, scratch, [1]);
  const Transform& t = call.transform;
  const Workspace work(memory, t);
  const Share share(t.rows);
  const int channel = static_cast<int>(blockIdx.x) * t.rows + share.row;
  const int m = 1 << t.log_m, first_point = share.row << t.log_m;
  const Complex* const parts = call.parts + (std::int64_t{channel} * call.count << t.log_m);
  const int count = channel >= call.h ? 0 : kBug == Bug::kDroppedPart ? call.count - 1 : call.count;
  float size = 0;
  SB_NO_UNROLL
  for (int i = share.thread; i < m; i += share.threads) {
    Complex sum = {0, 0};
    SB_NO_UNROLL
    for (int first = 0; first < count; first += 4) {  // loads of four at a time, added in order
      SB_UNROLL
      for (int part = first; part < first + 4; ++part) {
        if (part < count) sum = sum + parts[(std::int64_t{part} << t.log_m) + i];
      }
    }
    work.points.set(first_point + i, sum);
    size = fmaxf(size, size_of(sum));
  }
  const float factor = return_to_samples<kBug>(work, t, share, scratch[0], size, t.unit);
  if (channel >= call.h) return;
  store_row<float>(work.points, t, share, call.dk + std::int64_t{channel} * call.lk, nullptr,
                   call.lk, factor);
}

}  // namespace
}  // namespace sb::fft_conv
