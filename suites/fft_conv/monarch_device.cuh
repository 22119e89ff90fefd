// Convolution of real sequences with one kernel per channel by the Monarch transform, in one launch
// that reads each sequence once and writes each result once. A sequence of N = 2M samples is packed
// as M complex points z[n] = x[2n] + i x[2n+1]; with the even and odd taps' transforms Ke and Ko
//
//   W[k] = Ke Z[k] + Ko i/2 ((1 - v) Z[k] + (1 + v) conj Z[M-k]),   v = exp(-2 pi i k / M)
//
// is the packed transform of the result: the split into a real spectrum and back is part of the
// pointwise product. A kernel's spectrum is the transform of its packed taps, Ke + i Ko.
#pragma once

#include "suites/fft_conv/monarch_transform.cuh"

namespace sb::fft_conv {
namespace {

// How signals and gates are stored: a question at run time, so that the transforms are compiled
// once.
enum class Storage { kF32, kBf16, kF16 };

struct SpectrumCall {
  const float* taps;  // [h][lk]
  Complex* spectra;   // [h][M], by position
  int h, lk;
  int first_zero;  // frequencies from here on, of N, are zero; M + 1: none
  Transform transform;
};

struct ConvolveCall {
  const void *u, *g_in, *g_out;  // [b][h][l]; gates may be null
  void* y;
  const float* taps;       // [h][lk]
  const Complex* spectra;  // [h][M], made beforehand; null: made from the taps
  Storage storage;
  int b, h, l, lk;
  int first_zero;
  Transform transform;
};

// A row of l elements, of which a chunk of kWidth<T> begins at `first`; zeros beyond the end.
template <typename T>
__device__ __forceinline__ Group<T> load_chunk(const T* row, int first, int l, bool wide) {
  if (wide && first + kWidth<T> <= l) return load_group(row + first);
  Group<T> group;
  SB_UNROLL
  for (int i = 0; i < kWidth<T>; ++i) group.v[i] = first + i < l ? to_float(row[first + i]) : 0.0f;
  return group;
}

template <typename T>
__device__ __forceinline__ void store_chunk(T* row, int first, int l, bool wide,
                                            const Group<T>& group) {
  if (wide && first + kWidth<T> <= l) return store_group(row + first, group);
  SB_UNROLL
  for (int i = 0; i < kWidth<T>; ++i) {
    if (first + i < l) narrow(group.v[i], row[first + i]);
  }
}

// The threads of a block, dealt out to its sequences: at least a warp each.
struct Share {
  int row, thread, threads;

  __device__ __forceinline__ explicit Share(int rows) : threads(kThreads / rows) {
    row = static_cast<int>(threadIdx.x) / threads;
    thread = static_cast<int>(threadIdx.x) % threads;
  }
};

// What a block keeps in shared memory beside its points.
struct Scratch {
  float maxima[kThreads / 32];
  float scale[kMostRows], unscale[kMostRows];  // of each sequence, powers of two
};

// A power of two that brings a size below 2^11, within what has an inverse: f16 has an eighth of
// it. So high, because the low part of an f16 pair is 2^-11 of the high one and the smallest f16 is
// 2^-24; no higher, because of what transforms make of it (monarch_transform.cuh).
class PowerOfTwo {
 public:
  __device__ __forceinline__ explicit PowerOfTwo(float size) {
    const int raised = static_cast<int>(bits_of_float(size) >> 23) + 1 - 11;
    exponent_ = raised < 8 ? 8 : raised > 246 ? 246 : raised;
  }
  __device__ __forceinline__ float value() const {
    return float_of_bits(static_cast<std::uint32_t>(exponent_) << 23);
  }
  __device__ __forceinline__ float inverse() const {
    return float_of_bits(static_cast<std::uint32_t>(254 - exponent_) << 23);
  }

 private:
  int exponent_;  // biased
};

// scale[row] * (largest of the row's sizes) lies in (2^9, 2^11), so that no f16 overflows. Ends
// with a barrier.
__device__ __forceinline__ void find_scales(Scratch& scratch, const Share& share, float size) {
  SB_UNROLL
  for (int distance = 16; distance > 0; distance /= 2) {
    size = fmaxf(size, __shfl_xor_sync(~0u, size, distance));
  }
  if (threadIdx.x % 32 == 0) scratch.maxima[threadIdx.x / 32] = size;
  __syncthreads();
  if (share.thread == 0) {
    const int first = static_cast<int>(threadIdx.x) / 32;
    for (int w = first + 1; w < first + share.threads / 32; ++w) {
      size = fmaxf(size, scratch.maxima[w]);
    }
    const PowerOfTwo lowered(size);
    scratch.scale[share.row] = lowered.inverse();
    scratch.unscale[share.row] = lowered.value();
  }
  __syncthreads();
}

__device__ __forceinline__ float size_of(Complex x) { return fmaxf(fabsf(x.re), fabsf(x.im)); }

// Fills this share's points of a sequence from `row` (null: zeros), times `gate` (null: 1). Gives
// the largest size.
template <typename T>
__device__ __forceinline__ float load_row(const Points& points, const Transform& t,
                                          const Share& share, const T* row, const T* gate, int l) {
  const bool wide = l % kWidth<T> == 0;
  const int n = 2 << t.log_m, first_point = share.row << t.log_m;
  float size = 0;
  // 16 warps ask for 8 KiB a trip.
  SB_NO_UNROLL
  for (int i = kWidth<T> * share.thread; i < n; i += kWidth<T> * share.threads) {
    Group<T> x = {};
    if (row != nullptr) x = load_chunk(row, i, l, wide);
    if (row != nullptr && gate != nullptr) {
      const Group<T> g = load_chunk(gate, i, l, wide);
      SB_UNROLL
      for (int e = 0; e < kWidth<T>; ++e) x.v[e] *= g.v[e];
    }
    SB_UNROLL
    for (int e = 0; e < kWidth<T>; e += 2) {
      const Complex z = {x.v[e], x.v[e + 1]};
      points.set(first_point + i / 2 + e / 2, z);
      size = fmaxf(size, size_of(z));
    }
  }
  return size;
}

// Row `offset` of signals, times that of `gates` (null: 1); zeros unless `inside`.
__device__ __forceinline__ float load_points(const Points& points, const Transform& t,
                                             const Share& share, Storage storage, const void* all,
                                             const void* gates, std::int64_t offset, bool inside,
                                             int l) {
  const auto load = [&]([[maybe_unused]] auto* of_type) {
    const auto* const row = static_cast<decltype(of_type)>(all) + offset;
    const auto* const gate =
        gates == nullptr ? nullptr : static_cast<decltype(of_type)>(gates) + offset;
    return load_row(points, t, share, inside ? row : nullptr, gate, l);
  };
  if (storage == Storage::kBf16) return load(static_cast<const Bf16*>(nullptr));
  if (storage == Storage::kF16) return load(static_cast<const F16*>(nullptr));
  return load(static_cast<const float*>(nullptr));
}

// The block's shared memory: points of `rows` sequences, the roots, and room for a spectrum where
// the launch left it.
struct Workspace {
  Points points;
  Complex *roots, *spectrum;

  __device__ __forceinline__ Workspace(float* memory, const Transform& t) {
    const int count = t.rows << t.log_m;
    points = {memory, memory + count};
    roots = reinterpret_cast<Complex*>(memory + 2 * count);
    spectrum = roots + t.root_count;
    for (int i = static_cast<int>(threadIdx.x); i < t.root_count; i += kThreads) {
      roots[i] = t.roots[i];
    }
  }
};

// Frequency j < M/2 of those that have a mirror image: neighbours in memory follow each other.
__device__ __forceinline__ int frequency(const Transform& t, int j) {
  const int log_half = t.log3 - 1;
  const int k3 = j & ((1 << log_half) - 1), block = j >> log_half;  // block: k1 N2 + k2
  const int k1 = block >> t.log2, k2 = block & ((1 << t.log2) - 1);
  return k3 << (t.log1 + t.log2) | k2 << t.log1 | k1;
}

// Frequencies k and M - k, the how-manyth of their thread they are, and their positions.
struct FrequencyPair {
  int k, number, at, mirrored;

  __device__ __forceinline__ FrequencyPair(const Transform& t, int frequency, int of_thread)
      : k(frequency),
        number(of_thread),
        at(position(t, k)),
        mirrored(position(t, ((1 << t.log_m) - k) & ((1 << t.log_m) - 1))) {}
};

// Calls visit(pair) for this share's pairs of frequencies; 0 and M/2, which are their own mirror
// images, count as one pair. kPairs: how many there are of each thread; 0: as many as there are.
template <int kPairs = 0, typename Visit>
__device__ __forceinline__ void for_pairs(const Transform& t, const Share& share,
                                          const Visit& visit) {
  if constexpr (kPairs != 0) {
    // Else positions would be found once and kept in registers from sequence to sequence.
    const int thread = sb_forgotten(share.thread);
    SB_UNROLL
    for (int i = 0; i < kPairs; ++i) {
      visit(FrequencyPair(t, frequency(t, thread + i * share.threads), i));
    }
  } else {
    SB_NO_UNROLL
    for (int j = share.thread; j < 1 << (t.log_m - 1); j += share.threads) {
      visit(FrequencyPair(t, frequency(t, j), 0));
    }
  }
  if (share.thread == 0) visit(FrequencyPair(t, 1 << (t.log_m - 1), 0));
}

// Values at k and M - k.
struct ComplexPair {
  Complex at, mirrored;
};

// A spectrum by position. Pointer: to Complex, const or not.
template <typename Pointer>
struct StoredSpectrum {
  static constexpr int kPairs = 0;
  Pointer values;

  __device__ __forceinline__ ComplexPair get(const FrequencyPair& p) const {
    return {values[p.at], values[p.mirrored]};
  }
  __device__ __forceinline__ void set(const FrequencyPair& p, const ComplexPair& x) {
    values[p.at] = x.at;
    if (p.mirrored != p.at) values[p.mirrored] = x.mirrored;
  }
};

// A spectrum of M = 16384, for which shared memory has no room beside the points: a thread needs
// the same pairs for every sequence and keeps most of them in registers. 0 and M/2 are one pair.
// One number more in registers, and ptxas spills for sm_90; one more in shared memory, and 163 KiB
// are not enough.
struct HeldSpectrum {
  static constexpr int kPairs = 8192 / kThreads, kInRegisters = 25,
                       kRest = 2 * kPairs - kInRegisters;
  Complex held[kInRegisters];
  Complex* rest;  // in shared memory: [kRest][kThreads]

  __device__ __forceinline__ Complex get_one(int i) const {
    return i < kInRegisters ? held[i] : rest[kThreads * (i - kInRegisters) + threadIdx.x];
  }
  __device__ __forceinline__ void set_one(int i, Complex x) {
    (i < kInRegisters ? held[i] : rest[kThreads * (i - kInRegisters) + threadIdx.x]) = x;
  }
  __device__ __forceinline__ ComplexPair get(const FrequencyPair& p) const {
    const ComplexPair x = {get_one(2 * p.number), get_one(2 * p.number + 1)};
    if (p.number == 0 && p.k == 0) return {x.at, x.at};
    return {p.number == 0 && p.at == p.mirrored ? x.mirrored : x.at, x.mirrored};
  }
  __device__ __forceinline__ void set(const FrequencyPair& p, const ComplexPair& x) {
    if (p.number != 0 || p.k == 0 || p.at != p.mirrored) set_one(2 * p.number, x.at);
    if (p.number != 0 || p.k != 0) set_one(2 * p.number + 1, x.mirrored);
  }
};

// Even and odd taps' transforms at k, from the packed transform's at k and M - k.
struct Taps {
  Complex even, odd;

  __device__ __forceinline__ static Taps of(const ComplexPair& x) {
    return {0.5f * (x.at + conjugate(x.mirrored)),
            divided_by_i(0.5f * (x.at - conjugate(x.mirrored)))};
  }
  __device__ __forceinline__ Taps conjugated() const { return {conjugate(even), conjugate(odd)}; }
  __device__ __forceinline__ Complex packed() const { return even + times_i(odd); }
};

// W of the head of this file; v is that of the taps' frequency.
__device__ __forceinline__ Complex convolved(const Taps& taps, Complex v, Complex at,
                                             Complex mirrored) {
  const Complex one = {1, 0};
  const Complex crossed = (one - v) * at + (one + v) * conjugate(mirrored);
  return taps.even * at + taps.odd * (0.5f * times_i(crossed));
}

// Taps with the frequencies of N from `first_zero` on left out: k carries the bins k and M - k.
__device__ __forceinline__ Taps without_zeros(const Taps& taps, Complex w, int k, int m,
                                              int first_zero) {
  const Complex zero = {0, 0};
  const Complex turned = w * taps.odd;
  const Complex at = k < first_zero ? taps.even + turned : zero;
  const Complex mirrored = m - k < first_zero ? taps.even - turned : zero;
  return {0.5f * (at + mirrored), conjugate(w) * (0.5f * (at - mirrored))};
}

// The spectrum of this share's taps (null: none) into `to`, zeros from `first_zero` on included.
// Leaves the points for others to read: a barrier before they change.
template <Bug kBug, typename Spectrum>
__device__ __forceinline__ void make_spectrum(const Workspace& work, const Transform& t,
                                              const Share& share, Scratch& scratch,
                                              const float* taps, int lk, int first_zero,
                                              Spectrum& to) {
  find_scales(scratch, share, load_row<float>(work.points, t, share, taps, nullptr, lk));
  Transform whole = t;
  whole.skips = false;
  transform<kBug>(work.points, whole, false, work.roots, scratch.scale);
  if (taps == nullptr) return;
  const int m = 1 << t.log_m, first = share.row << t.log_m;
  const float unit = scratch.unscale[share.row] * t.unit;
  for_pairs<Spectrum::kPairs>(t, share, [&](const FrequencyPair& p) {
    const Taps all = Taps::of({unit * work.points.get(first + p.at),  //
                               unit * work.points.get(first + p.mirrored)});
    const Taps kept =
        first_zero > m ? all : without_zeros(all, root(work.roots, p.k), p.k, m, first_zero);
    to.set(p, {kept.packed(), kept.conjugated().packed()});
  });
}

// Spectra of all channels to memory. Grid: h / rows rounded up. Bounds: left to itself ptxas stops
// at 64 registers for a second block and spills.
template <Bug kBug = Bug::kNone>
__global__ void __launch_bounds__(kThreads, 1) monarch_spectra(SpectrumCall call) {
  SB_SHARED_OF_LAUNCH(float, memory);
  SB_SHARED(Scratch, scratch, [1]);
  const Transform& t = call.transform;
  const Workspace work(memory, t);
  const Share share(t.rows);
  const int channel = static_cast<int>(blockIdx.x) * t.rows + share.row;
  const float* const taps =
      channel < call.h ? call.taps + std::int64_t{channel} * call.lk : nullptr;
  StoredSpectrum<Complex*> spectrum = {call.spectra + (std::int64_t{channel} << t.log_m)};
  make_spectrum<kBug>(work, t, share, scratch[0], taps, call.lk, call.first_zero, spectrum);
}

// Multiplies a sequence's packed transform by a spectrum; gives the largest size.
template <Bug kBug, typename Spectrum>
__device__ __forceinline__ float multiply_spectra(const Workspace& work, const Transform& t,
                                                  const Share& share, const Spectrum& spectrum,
                                                  int first_zero) {
  const int first = share.row << t.log_m;
  float size = 0;
  for_pairs<Spectrum::kPairs>(t, share, [&](const FrequencyPair& p) {
    Complex w = {0, 0}, w_mirrored = {0, 0};
    if (p.k < first_zero) {  // else neither k nor M - k has anything left
      const Taps taps = Taps::of(spectrum.get(p));
      const Complex v = root(work.roots, 2 * p.k);
      const Complex z = work.points.get(first + p.at);
      const Complex z_mirrored =
          work.points.get(first + (kBug == Bug::kNoMirror ? p.at : p.mirrored));
      w = convolved(taps, v, z, z_mirrored);
      w_mirrored = convolved(taps.conjugated(), conjugate(v), z_mirrored, z);
    }
    work.points.set(first + p.at, w);
    if (p.mirrored != p.at) work.points.set(first + p.mirrored, w_mirrored);
    size = fmaxf(size, fmaxf(size_of(w), size_of(w_mirrored)));
  });
  return size;
}

// Points back to samples; true scale of what comes out.
template <Bug kBug>
__device__ __forceinline__ float return_to_samples(const Workspace& work, const Transform& t,
                                                   const Share& share, Scratch& scratch, float size,
                                                   float unscale) {
  find_scales(scratch, share, size);
  transform<kBug>(work.points, t, true, work.roots, scratch.scale);
  return unscale * scratch.unscale[share.row];
}

// A sequence's points times `factor` and `gate` (null: 1) to `row`.
template <typename T>
__device__ __forceinline__ void store_row(const Points& points, const Transform& t,
                                          const Share& share, T* row, const T* gate, int l,
                                          float factor) {
  const bool wide = l % kWidth<T> == 0;
  const int first_point = share.row << t.log_m;
  SB_NO_UNROLL
  for (int i = kWidth<T> * share.thread; i < l; i += kWidth<T> * share.threads) {
    Group<T> x;
    SB_UNROLL
    for (int e = 0; e < kWidth<T>; e += 2) {
      const Complex z = factor * points.get(first_point + i / 2 + e / 2);
      x.v[e] = z.re;
      x.v[e + 1] = z.im;
    }
    if (gate != nullptr) {
      const Group<T> g = load_chunk(gate, i, l, wide);
      SB_UNROLL
      for (int e = 0; e < kWidth<T>; ++e) x.v[e] *= g.v[e];
    }
    store_chunk(row, i, l, wide, x);
  }
}

// To row `offset` of `all`, times that of `gates` (null: 1).
__device__ __forceinline__ void store_points(const Points& points, const Transform& t,
                                             const Share& share, Storage storage, void* all,
                                             const void* gates, std::int64_t offset, int l,
                                             float factor) {
  const auto store = [&]([[maybe_unused]] auto* of_type) {
    auto* const row = static_cast<decltype(of_type)>(all) + offset;
    const auto* const gate =
        gates == nullptr
            ? nullptr
            : static_cast<const std::remove_pointer_t<decltype(of_type)>*>(gates) + offset;
    store_row(points, t, share, row, gate, l, factor);
  };
  if (storage == Storage::kBf16) return store(static_cast<Bf16*>(nullptr));
  if (storage == Storage::kF16) return store(static_cast<F16*>(nullptr));
  store(static_cast<float*>(nullptr));
}

// The sequence of this share among those from `first` on of a channel.
template <Bug kBug, typename Spectrum>
__device__ __forceinline__ void convolve_rows(const ConvolveCall& call, const Workspace& work,
                                              const Transform& t, const Share& share,
                                              Scratch& scratch, const Spectrum& spectrum,
                                              int first) {
  const int batch = first + share.row;
  const bool inside = batch < call.b;
  const std::int64_t row = (std::int64_t{batch} * call.h + blockIdx.y) * call.l;
  __syncthreads();  // points, scales and the spectrum: nobody reads what was, all see what is
  find_scales(
      scratch, share,
      load_points(work.points, t, share, call.storage, call.u, call.g_in, row, inside, call.l));
  const float unscale = scratch.unscale[share.row];
  transform<kBug>(work.points, t, false, work.roots, scratch.scale);
  const float size = multiply_spectra<kBug>(work, t, share, spectrum, call.first_zero);
  const float factor = return_to_samples<kBug>(work, t, share, scratch, size, unscale);
  if (!inside) return;
  store_points(work.points, t, share, call.storage, call.y, call.g_out, row, call.l, factor);
}

// A block makes its channel's spectrum, or takes the given one, and keeps it for its share of the
// sequences: everything is read once. Grid: chunks, h.
template <typename Spectrum, Bug kBug>
__device__ __forceinline__ void convolve_chunk(const ConvolveCall& call, const Workspace& work,
                                               const Transform& t, Scratch& scratch,
                                               Spectrum spectrum) {
  const Share share(t.rows), whole(1);
  const std::int64_t channel = blockIdx.y;
  if (call.spectra != nullptr) {
    const StoredSpectrum<const Complex*> given = {call.spectra + (channel << t.log_m)};
    for_pairs<Spectrum::kPairs>(t, whole,
                                [&](const FrequencyPair& p) { spectrum.set(p, given.get(p)); });
  } else {
    make_spectrum<kBug>(work, t, share, scratch,
                        share.row == 0 ? call.taps + channel * call.lk : nullptr, call.lk,
                        call.first_zero, spectrum);
  }
  const int step = static_cast<int>(gridDim.x) * t.rows;
  for (int first = static_cast<int>(blockIdx.x) * t.rows; first < call.b; first += step) {
    convolve_rows<kBug>(call, work, t, share, scratch, spectrum, first);
  }
}

template <Bug kBug = Bug::kNone>
__global__ void __launch_bounds__(kThreads, 1) monarch_convolve(ConvolveCall call) {
  SB_SHARED_OF_LAUNCH(float, memory);
  SB_SHARED(Scratch, scratch, [1]);
  const Workspace work(memory, call.transform);
  convolve_chunk<StoredSpectrum<Complex*>, kBug>(call, work, call.transform, scratch[0],
                                                 {work.spectrum});
}

// The same for n = 32768, with what is known of the transform written down: it saves registers.
template <Bug kBug = Bug::kNone>
__global__ void __launch_bounds__(kThreads, 1) monarch_convolve_held(ConvolveCall call) {
  SB_SHARED_OF_LAUNCH(float, memory);
  SB_SHARED(Scratch, scratch, [1]);
  Transform t = call.transform;
  t.log_m = 14;
  t.log1 = 4;
  t.log2 = 5;
  t.log3 = 5;
  t.rows = 1;
  t.root_count = 384;
  const Workspace work(memory, t);
  HeldSpectrum spectrum;
  spectrum.rest = work.spectrum;
  convolve_chunk<HeldSpectrum, kBug>(call, work, t, scratch[0], spectrum);
}

}  // namespace
}  // namespace sb::fft_conv
