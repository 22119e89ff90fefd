// vector: a vector of neighbouring channels at a time, the group's ten coefficients in registers
// for a run of rows. Bound by memory on every machine we know: 19 operations for 8 bytes.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "suites/gr_kan/forward_vector.cpp"
#include "backend/targets.h"
// clang-format off
#include "hwy/foreach_target.h"
// clang-format on
#include "core/buffer.h"
#include "core/phase.h"
#include "core/registry.h"
#include "suites/gr_kan/gr_kan_op.h"
#include "suites/gr_kan/rational-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sb::gr_kan {
namespace HWY_NAMESPACE {

HWY_INLINE V forward_vector(V x, const GroupCoefficients& c) {
  const V ax = hn::Abs(x);
  V p = hn::MulAdd(c.a[5], x, c.a[4]);
  for (int i = 3; i >= 0; --i) p = hn::MulAdd(p, x, c.a[i]);
  V q = hn::MulAdd(c.b[3], ax, c.b[2]);
  for (int i = 1; i >= 0; --i) q = hn::MulAdd(q, ax, c.b[i]);
  return hn::Div(p, hn::MulAdd(q, ax, hn::Set(kD, 1.0f)));
}

// Rows [begin, end) of one group.
template <Stores kStores>
HWY_INLINE void forward_tile(const Shape& s, const float* x, const GroupCoefficients& c,
                             std::int64_t group, std::int64_t begin, std::int64_t end, float* y) {
  const std::int64_t whole = s.group_size / kLanes * kLanes;
  const auto rest = hn::FirstN(kD, static_cast<std::size_t>(s.group_size - whole));
  for (std::int64_t row = begin; row < end; ++row) {
    const std::int64_t first = row * s.d + group * s.group_size;
    for (std::int64_t i = first; i < first + whole; i += kLanes) {
      __builtin_prefetch(x + i + kAhead);
      const V result = forward_vector(hn::LoadU(kD, x + i), c);
      if constexpr (kStores == Stores::kStreaming) {
        hn::Stream(result, kD, y + i);
      } else {
        prefetch_for_write(y + i + kAhead);
        hn::StoreU(result, kD, y + i);
      }
    }
    if (whole < s.group_size) {
      const std::int64_t i = first + whole;
      hn::BlendedStore(forward_vector(hn::MaskedLoad(rest, kD, x + i), c), rest, kD, y + i);
    }
  }
}

template <Stores kStores>
void forward_rows(const Shape& s, const float* x, const float* coefficients, std::int64_t begin,
                  std::int64_t end, float* y) {
  const std::int64_t rows = rows_per_turn(s);
  for (std::int64_t row = begin; row < end; row += rows) {
    for (std::int64_t group = 0; group < s.groups; ++group) {
      const GroupCoefficients c(coefficients + group * kTerms);
      forward_tile<kStores>(s, x, c, group, row, std::min(row + rows, end), y);
    }
  }
}

constexpr auto forward_stored = forward_rows<Stores::kOrdinary>;
constexpr auto forward_streamed = forward_rows<Stores::kStreaming>;
constexpr std::int64_t forward_lanes = kLanes;

}  // namespace HWY_NAMESPACE
}  // namespace sb::gr_kan
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sb::gr_kan {
namespace {

using namespace forward;
using RowsFunction = void (*)(const Shape&, const float*, const float*, std::int64_t, std::int64_t,
                              float*);

std::unique_ptr<Kernel> make_vector(const Problem& problem, RowsFunction rows) {
  const Shape s(problem);
  auto coefficients =
      std::make_shared<Buffer>(static_cast<std::size_t>(s.groups * kTerms) * sizeof(float));
  return kernel_from([s, rows, coefficients, threads = problem.threads](const Operands& o) {
    gather_coefficients(s, o.get<float>(kA), o.get<float>(kB), coefficients->as<float>());
#pragma omp parallel for num_threads(threads) schedule(static)
    for (std::int64_t t = 0; t < threads; ++t) {
      const double bytes = 4.0 * static_cast<double>(s.elements()) / threads;
      const Phase phase("rows", {.read = bytes, .written = bytes});
      rows(s, o.get<float>(kX), coefficients->as<float>(), s.rows * t / threads,
           s.rows * (t + 1) / threads, o.get<float>(kY));
    }
  });
}

Variant vector(Isa isa, RowsFunction rows) {
  return {.op = "gr_kan",
          .name = "vector",
          .isa = isa,
          .summary = "coefficients in registers, a vector of channels at a time",
          .make = [rows](const Problem& p) { return make_vector(p, rows); }};
}

Variant vector_stream(Isa isa, RowsFunction rows, std::int64_t lanes) {
  Variant variant = vector(isa, rows);
  variant.name = "vector_stream";
  variant.summary = "vector, with y stored past the caches";
  variant.streams = true;
  variant.why_not = [lanes](const Problem& problem) -> std::string {
    if (Shape(problem).group_size % lanes == 0) return "";
    return "streaming stores need group sizes that are multiples of " + std::to_string(lanes);
  };
  return variant;
}

#if HWY_TARGETS & HWY_AVX3
const Registration vector_avx512{vector(Isa::kAvx512, N_AVX3::forward_stored)};
const Registration vector_stream_avx512{
    vector_stream(Isa::kAvx512, N_AVX3::forward_streamed, N_AVX3::forward_lanes)};
#endif
#if HWY_TARGETS & HWY_AVX2
const Registration vector_avx2{vector(Isa::kAvx2, N_AVX2::forward_stored)};
const Registration vector_stream_avx2{
    vector_stream(Isa::kAvx2, N_AVX2::forward_streamed, N_AVX2::forward_lanes)};
#endif
const Registration vector_scalar{vector(Isa::kScalar, HWY_STATIC_DISPATCH(forward_stored))};

}  // namespace
}  // namespace sb::gr_kan
#endif
