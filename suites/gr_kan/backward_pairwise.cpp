// pairwise: the lane sums of tiles are added in a binary tree, all in float. A chunk of n tiles has
// log2(n) float additions above a tile instead of n; chunks are added in double.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "suites/gr_kan/backward_pairwise.cpp"
#include "backend/targets.h"
// clang-format off
#include "hwy/foreach_target.h"
// clang-format on
#include "core/registry.h"
#include "suites/gr_kan/rational-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sb::gr_kan {
namespace HWY_NAMESPACE {

// A node of height h stands for 2^h tiles; a chunk of 2^31 tiles has rows enough for any memory.
inline constexpr int kHeights = 32;
inline constexpr std::int64_t kNode = kTerms * kLanes;
inline constexpr std::int64_t kPairwiseScratch = (1 + kHeights) * kNode;  // a tile's sums, the tree

// `tree` holds one pending node per set bit of `count`, the number of tiles already in it: adding a
// tile is a binary increment, where each carry is an addition of two nodes of equal height.
HWY_INLINE void add_tile(const PlainSum* tile, std::int64_t count, float* tree) {
  V node[kTerms];
  for (int i = 0; i < kTerms; ++i) node[i] = tile[i].sum;
  int height = 0;
  for (; (count >> height & 1) != 0; ++height) {
    const float* pending = tree + height * kNode;
    for (int i = 0; i < kTerms; ++i) {
      node[i] = hn::Add(hn::Load(kD, pending + i * kLanes), node[i]);
    }
  }
  for (int i = 0; i < kTerms; ++i) hn::Store(node[i], kD, tree + height * kNode + i * kLanes);
}

void pairwise_chunk(const BackwardCall& call, std::int64_t begin, std::int64_t end, float* scratch,
                    double* sums) {
  auto* tile = reinterpret_cast<PlainSum*>(scratch);
  float* trees = scratch + call.shape.groups * kNode;
  std::int64_t tiles = 0;
  for (std::int64_t row = begin; row < end; row += kFoldRows, ++tiles) {
    std::fill_n(scratch, call.shape.groups * kNode, 0.0f);
    backward_rows<Stores::kOrdinary>(call, row, std::min(row + kFoldRows, end), tile);
    for (std::int64_t group = 0; group < call.shape.groups; ++group) {
      add_tile(tile + group * kTerms, tiles, trees + group * kHeights * kNode);
    }
  }
  for (std::int64_t group = 0; group < call.shape.groups; ++group) {
    for (int height = 0; height < kHeights; ++height) {
      if ((tiles >> height & 1) == 0) continue;
      const float* node = trees + (group * kHeights + height) * kNode;
      for (std::int64_t i = 0; i < kNode; ++i) sums[group * kTerms + i / kLanes] += node[i];
    }
  }
}

constexpr ChunkAlgorithm pairwise_algorithm = {pairwise_chunk, kHeights* kNode};

}  // namespace HWY_NAMESPACE
}  // namespace sb::gr_kan
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sb::gr_kan {
namespace {

Variant pairwise(Isa isa, ChunkAlgorithm algorithm) {
  return {.op = "gr_kan_backward",
          .name = "pairwise",
          .isa = isa,
          .summary = "lane sums of tiles added in a binary tree, in float",
          .make = [algorithm](const Problem& p) { return make_chunked(p, algorithm); }};
}

#if HWY_TARGETS & HWY_AVX3
const Registration pairwise_avx512{pairwise(Isa::kAvx512, N_AVX3::pairwise_algorithm)};
#endif
#if HWY_TARGETS & HWY_AVX2
const Registration pairwise_avx2{pairwise(Isa::kAvx2, N_AVX2::pairwise_algorithm)};
#endif
const Registration pairwise_scalar{pairwise(Isa::kScalar, HWY_STATIC_DISPATCH(pairwise_algorithm))};

}  // namespace
}  // namespace sb::gr_kan
#endif
