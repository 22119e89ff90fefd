// lanes: ten sums per lane, kept in registers over a tile, folded to double after every tile.
// 16 rows of a 96-channel group are 96 float additions per lane before the fold, so the error of a
// gradient stays near that of a hundred-term sum however many elements there are; no atomics, and
// the order of all additions depends on the shape alone.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "suites/gr_kan/backward_lanes.cpp"
#include "suites/gr_kan/targets.h"
// clang-format off
#include "hwy/foreach_target.h"
// clang-format on
#include "core/registry.h"
#include "suites/gr_kan/backward-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sb::gr_kan {
namespace HWY_NAMESPACE {

inline constexpr std::int64_t kLanesScratch = kTerms * kLanes * 2;  // doubles, in floats

template <bool kStream>
void lanes_chunk(const BackwardCall& call, std::int64_t begin, std::int64_t end, float* scratch,
                 double* sums) {
  auto* folded = reinterpret_cast<double*>(scratch);
  std::fill_n(folded, call.shape.groups * kTerms * kLanes, 0.0);
  for (std::int64_t row = begin; row < end; row += kTileRows) {
    for (std::int64_t group = 0; group < call.shape.groups; ++group) {
      PlainSum lane_sums[kTerms];
      backward_tile<kStream>(call, group, row, std::min(row + kTileRows, end), lane_sums);
      for (int i = 0; i < kTerms; ++i) {
        fold_to_double(lane_sums[i].sum, folded + (group * kTerms + i) * kLanes);
      }
    }
  }
  for (std::int64_t i = 0; i < call.shape.groups * kTerms; ++i) {
    for (std::int64_t lane = 0; lane < kLanes; ++lane) sums[i] += folded[i * kLanes + lane];
  }
}

constexpr ChunkAlgorithm lanes_algorithm = {lanes_chunk<false>, kLanesScratch};
constexpr ChunkAlgorithm lanes_stream_algorithm = {lanes_chunk<true>, kLanesScratch};
constexpr std::int64_t lanes_vector = kLanes;

}  // namespace HWY_NAMESPACE
}  // namespace sb::gr_kan
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sb::gr_kan {
namespace {

Variant lanes(Isa isa, ChunkAlgorithm algorithm) {
  return {.op = "gr_kan_backward",
          .name = "lanes",
          .isa = isa,
          .summary = "lane sums in registers, folded to double every 16 rows; no atomics",
          .make = [algorithm](const Problem& p) { return make_chunked(p, algorithm); }};
}

Variant lanes_stream(Isa isa, ChunkAlgorithm algorithm, std::int64_t vector) {
  Variant variant = lanes(isa, algorithm);
  variant.name = "lanes_stream";
  variant.summary = "lanes, with dx stored past the caches";
  variant.streams = true;
  variant.why_not = [vector](const Problem& problem) -> std::string {
    if (Shape(problem).group_size % vector == 0) return "";
    return "streaming stores need group sizes that are multiples of " + std::to_string(vector);
  };
  return variant;
}

#if HWY_TARGETS & HWY_AVX3
const Registration lanes_avx512{lanes(Isa::kAvx512, N_AVX3::lanes_algorithm)};
const Registration lanes_stream_avx512{
    lanes_stream(Isa::kAvx512, N_AVX3::lanes_stream_algorithm, N_AVX3::lanes_vector)};
#endif
#if HWY_TARGETS & HWY_AVX2
const Registration lanes_avx2{lanes(Isa::kAvx2, N_AVX2::lanes_algorithm)};
const Registration lanes_stream_avx2{
    lanes_stream(Isa::kAvx2, N_AVX2::lanes_stream_algorithm, N_AVX2::lanes_vector)};
#endif
const Registration lanes_scalar{lanes(Isa::kScalar, HWY_STATIC_DISPATCH(lanes_algorithm))};

}  // namespace
}  // namespace sb::gr_kan
#endif
