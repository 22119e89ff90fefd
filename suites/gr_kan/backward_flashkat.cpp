// flashkat: FlashKAT's tiling and reduction. A two-dimensional grid of tiles (64 rows x one group);
// a tile loads its group's coefficients once, keeps its ten sums in registers, reduces them and
// adds them to the global gradients with ten atomic float additions. Fewer atomics by the tile's
// size than one per element and coefficient; still float at the top, and in an order that threads
// decide.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "suites/gr_kan/backward_flashkat.cpp"
#include "backend/targets.h"
// clang-format off
#include "hwy/foreach_target.h"
// clang-format on
#include "core/registry.h"
#include "suites/gr_kan/atomic_sums.h"
#include "suites/gr_kan/rational-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sb::gr_kan {
namespace HWY_NAMESPACE {

void flashkat_tile(const BackwardCall& call, std::int64_t group, std::int64_t begin,
                   std::int64_t end, float* sums) {
  PlainSum lane_sums[kTerms];
  backward_tile<Stores::kOrdinary, 0>(call, group, begin, end, lane_sums);
  for (int i = 0; i < kTerms; ++i) {
    sums[i] = hn::GetLane(hn::SumOfLanes(kD, lane_sums[i].sum));
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace sb::gr_kan
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sb::gr_kan {
namespace {

constexpr std::int64_t kRowsPerTile = 64;  // the released kernel's

using TileFunction = void (*)(const BackwardCall&, std::int64_t, std::int64_t, std::int64_t,
                              float*);

std::unique_ptr<Kernel> make_flashkat(const Problem& problem, TileFunction tile) {
  return make_atomic(problem, [tile](const BackwardCall& call, int threads, float* global) {
    const std::int64_t groups = call.shape.groups;
    const std::int64_t row_blocks = (call.shape.rows + kRowsPerTile - 1) / kRowsPerTile;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (std::int64_t k = 0; k < row_blocks * groups; ++k) {
      const std::int64_t begin = k / groups * kRowsPerTile;
      const std::int64_t end = std::min(begin + kRowsPerTile, call.shape.rows);
      float sums[kTerms];
      tile(call, k % groups, begin, end, sums);
      for (int i = 0; i < kTerms; ++i) atomic_add(global[k % groups * kTerms + i], sums[i]);
    }
  });
}

Variant flashkat(Isa isa, TileFunction tile) {
  return {.op = "gr_kan_backward",
          .name = "flashkat",
          .isa = isa,
          .summary = "tiles of 64 rows and a group, ten atomic additions per tile",
          .paper = "arXiv:2505.13813 algorithm 2",
          .make = [tile](const Problem& p) { return make_flashkat(p, tile); }};
}

#if HWY_TARGETS & HWY_AVX3
const Registration flashkat_avx512{flashkat(Isa::kAvx512, N_AVX3::flashkat_tile)};
#endif
#if HWY_TARGETS & HWY_AVX2
const Registration flashkat_avx2{flashkat(Isa::kAvx2, N_AVX2::flashkat_tile)};
#endif
const Registration flashkat_scalar{flashkat(Isa::kScalar, HWY_STATIC_DISPATCH(flashkat_tile))};

}  // namespace
}  // namespace sb::gr_kan
#endif
