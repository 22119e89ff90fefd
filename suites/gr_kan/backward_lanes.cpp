// lanes: ten sums per lane and group, in registers while a group's channels of a row are computed,
// folded to double every 16 rows. With 96 channels that is 96 float additions per lane before a
// fold, so the error of a gradient stays that of a hundred-term sum however many elements there
// are. No atomics; the order of all additions depends on the shape alone. The traversal is that of
// memory.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "suites/gr_kan/backward_lanes.cpp"
#include "backend/targets.h"
// clang-format off
#include "hwy/foreach_target.h"
// clang-format on
#include "core/registry.h"
#include "suites/gr_kan/rational-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sb::gr_kan {
namespace HWY_NAMESPACE {

// Per group, in floats: the lane sums, then the doubles to fold them into.
inline constexpr std::int64_t kLanesScratch = kTerms * (kLanes + 2 * kFolded);

// A chunk's rows are taken from this many places in turns: a core fetches ahead in every page it
// reads, and in two pages (one of x, one of g) that is less than memory could give.
inline constexpr int kRuns = kLanes == 1 ? 1 : 4;

template <Stores kStores>
void lanes_chunk(const BackwardCall& call, std::int64_t begin, std::int64_t end, float* scratch,
                 double* sums) {
  const std::int64_t count = call.shape.groups * kTerms;
  auto* kept = reinterpret_cast<PlainSum*>(scratch);
  auto* folded = reinterpret_cast<double*>(scratch + count * kLanes);
  std::fill_n(scratch, call.shape.groups * kLanesScratch, 0.0f);
  const auto fold = [&]() HWY_ATTR {
    for (std::int64_t i = 0; i < count; ++i) {
      fold_to_double(kept[i].sum, folded + i * kFolded);
      kept[i] = PlainSum();
    }
  };
  const std::int64_t apart = (end - begin) / kRuns, rest = begin + kRuns * apart;
  for (std::int64_t row = begin; row < begin + apart; row += kFoldRows / kRuns) {
    const std::int64_t stop = std::min(row + kFoldRows / kRuns, begin + apart);
    backward_rows<kStores, kRuns>(call, row, stop, kept, apart);
    fold();
  }
  if (rest < end) {
    backward_rows<kStores>(call, rest, end, kept);
    fold();
  }
  for (std::int64_t i = 0; i < count; ++i) {
    for (std::int64_t k = 0; k < kFolded; ++k) sums[i] += folded[i * kFolded + k];
  }
}

constexpr ChunkAlgorithm lanes_algorithm = {lanes_chunk<Stores::kOrdinary>, kLanesScratch};
constexpr ChunkAlgorithm lanes_stream_algorithm = {lanes_chunk<Stores::kStreaming>, kLanesScratch};
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
