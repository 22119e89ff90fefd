#include "suites/fft_conv/fused_rows.h"

#include <algorithm>

#include "core/processor.h"
#include "suites/fft_conv/pointwise.h"

namespace sb::fft_conv {
namespace {

// Two rows at a time share blocks 0 and R/2, which saves an eighth of the arithmetic, while their
// work area (8 n bytes) fits the second-level cache with room to spare.
constexpr std::int64_t kLongestPair = 32768;

// Rows longer than this, or more bytes at a time, would push each other out of the second-level
// cache before they are used.
constexpr std::int64_t kLongestFetched = 32768;
constexpr std::int64_t kMostFetched = 768 << 10;

// Short rows of one sequence are taken channel after channel, as they lie in memory, until they are
// this many samples: then it is the next sequences' turn, while the channels' spectra are in a
// cache.
constexpr std::int64_t kTileSamples = 4096;

// Work areas of rows from here on begin on a page, all alike: where the allocator put them, rows of
// 2048 to 8192 samples took up to 1.4 times as long in some objects as in others of one process.
constexpr std::int64_t kShortestOnPages = 2048;
constexpr std::int64_t kPage = 1024, kLine = 16;  // floats

// Between two threads' work areas. What a core's prefetchers take of the other's lines, that has to
// take back: with less than this, rows of 1024 samples took up to 1.5 times as long on two cores
// without a common cache.
constexpr std::int64_t kGap = 16384;  // floats

// What a call writes stays in no cache beyond this: then stores that bypass the caches save the
// read of every line.
constexpr std::int64_t kStreamingBytes = 4 << 20;

// Where cores differ, each as measured (README.md, "Gates and two threads"). Lengths in samples.
struct FetchHabits {
  std::int64_t longest_gated;    // rows that are fetched beside the blocks with their gates
  std::int64_t longest_factors;  // rows whose output gates are
  std::int64_t longest_late;     // gated rows of which a quarter is fetched beside the real pass
                                 // before, output gates for the team that is computed. Of longer
                                 // ones an eighth beside either pass, all for the next team
  bool nearest;                  // into the first level: rows without gates, and late ones
  std::int64_t skew;             // Ahead, into the second level
  FetchedByPass by_pass;         // what is not fetched beside the blocks
};

const FetchHabits& habits() {
  // On Zen hints for the second level come to nothing if lines that end in the same bits follow one
  // another, as those of rows and gates do: hence a skew of two lines.
  static constexpr FetchHabits kZen = {32768, 16384, 512, true, 128, FetchedByPass::kSecondLevel};
  static constexpr FetchHabits kOthers = {16384, 8192, INT64_MAX,
                                          false, 0,    FetchedByPass::kFirstLevel};
  return this_processor() == Processor::kAmd ? kZen : kOthers;
}

bool half_rows(const Shape& s) { return s.l <= s.n / 2 && s.lk <= s.n / 2; }

Buffer floats(std::int64_t count) {
  return Buffer(static_cast<std::size_t>(count) * sizeof(float));
}

}  // namespace

std::string why_not_fused(const Problem& problem) {
  const Shape s(problem);
  if (s.n < 256) return "needs n >= 256";
  if (s.sparsity != 0) return "keeps spectra in an order of its own: monarch skips zero blocks";
  return "";
}

FusedRows::FusedRows(const Problem& problem, Isa isa, int areas)
    : shape_(problem),
      dtype_(problem.dtype),
      threads_(problem.threads),
      engine_(fused_engine(isa)),
      plan_(shape_.n, half_rows(shape_), engine_.lanes),
      areas_(areas),
      team_(shape_.n <= kLongestPair && shape_.b > 1 ? 2 : 1),
      tile_(shape_.cached && out_of_cache() ? std::max<std::int64_t>(1, kTileSamples / shape_.l)
                                            : 1),
      row_points_(plan_.half ? shape_.n / 2 : shape_.n),
      work_alignment_(shape_.n >= kShortestOnPages ? kPage : kLine),
      work_stride_((plan_.work_floats() + work_alignment_ - 1) / work_alignment_ * work_alignment_),
      thread_stride_(work_stride_ * areas + kGap),
      work_(floats(thread_stride_ * threads_ - kGap + work_alignment_)),
      spectra_(floats(plan_.spectrum_floats() * (shape_.cached ? shape_.h : threads_))),
      copies_(
          floats(ragged() || shape_.lk != row_points_ ? row_points_ * 2 * areas * threads_ : 0)) {}

void FusedRows::prepare(const float* k) {
  if (!shape_.cached) return;
  for (std::int64_t h = 0; h < shape_.h; ++h) {
    make_spectrum(0, k + h * shape_.lk, spectrum(h), false);
  }
}

const float* FusedRows::spectrum_of(int thread, std::int64_t channel, const float* k,
                                    bool shared) const {
  if (shape_.cached) return spectrum(channel);
  make_spectrum(thread, k + channel * shape_.lk, spectrum(thread), shared);
  return spectrum(thread);
}

void FusedRows::make_spectrum(int thread, const float* k, float* to, bool shared) const {
  const bool padded = shape_.lk != row_points_;
  TeamInput in;
  in.x[0] = padded ? copy(thread, 0) : k;
  columns(shared, padded, [&](std::int64_t begin, std::int64_t end) {
    if (padded) load_row(Dtype::kF32, k, nullptr, shape_.lk, row_points_, copy(thread, 0));
    engine_.forward(plan_, Dtype::kF32, in, work(thread), begin, end);
  });
  frequencies(shared,
              [&](FrequencyRange range) { engine_.spectrum(plan_, work(thread), to, range); });
}

Team FusedRows::team(std::int64_t channel, std::int64_t b, std::int64_t end) const {
  return {shape_.row(b, channel) * shape_.l,
          static_cast<int>(std::min<std::int64_t>(team_, end - b))};
}

void FusedRows::forward(int thread, int area, const Team& team, const void* x, const void* gate,
                        std::int64_t begin, std::int64_t end, Ahead* ahead) const {
  TeamInput in{.rows = team.rows, .fetches = fetched_by_pass(passes_fetch()), .ahead = ahead};
  for (int row = 0; row < team.rows; ++row) {
    const void* x_row = element(x, team, row);
    const void* gate_row = gate == nullptr ? nullptr : element(gate, team, row);
    if (ragged()) {
      float* padded = copy(thread, 2 * area + row);
      load_row(dtype_, x_row, gate_row, shape_.l, row_points_, padded);
      in.x[row] = padded;
    } else {
      in.x[row] = x_row;
      in.gate[row] = gate_row;
    }
  }
  engine_.forward(plan_, ragged() ? Dtype::kF32 : dtype_, in, work(thread, area), begin, end);
}

void FusedRows::inverse(int thread, int area, const Team& team,
                        std::initializer_list<FusedResult> results, bool bypass, std::int64_t begin,
                        std::int64_t end, Ahead* ahead) const {
  TeamOutput out{.rows = team.rows,
                 .streams = bypass,
                 .fetches = fetched_by_pass(shape_.n > habits().longest_factors),
                 .ahead = ahead};
  for (int row = 0; row < team.rows; ++row) {
    if (ragged()) {
      out.result[row][0].y = copy(thread, 2 * area + row);
      continue;
    }
    TeamOutput::Result* result = out.result[row];
    for (const FusedResult& r : results) {
      *result++ = {const_cast<void*>(element(r.y, team, row)),
                   r.factor == nullptr ? nullptr : element(r.factor, team, row)};
    }
  }
  engine_.inverse(plan_, ragged() ? Dtype::kF32 : dtype_, work(thread, area), out, begin, end);
  if (!ragged()) return;
  for (int row = 0; row < team.rows; ++row) {
    for (const FusedResult& r : results) {
      store_row(dtype_, copy(thread, 2 * area + row),
                r.factor == nullptr ? nullptr : element(r.factor, team, row), shape_.l,
                const_cast<void*>(element(r.y, team, row)));
    }
  }
}

const void* FusedRows::element(const void* base, const Team& team, int row) const {
  return at(dtype_, base, team.first + row * shape_.h * shape_.l);
}

// Two work areas are the backward pass: gates and signals of two kinds are too much for any cache.
bool FusedRows::passes_fetch() const {
  const std::int64_t gated = areas_ == 1 ? habits().longest_gated : kLongestFetched / 2;
  return shape_.n > (shape_.gated ? gated : kLongestFetched);
}

FetchedByPass FusedRows::fetched_by_pass(bool passes) const {
  return passes && out_of_cache() && !ragged() ? habits().by_pass : FetchedByPass::kNothing;
}

// The team that follows in the order in which Fused goes.
std::optional<Team> FusedRows::after(const Run& run, std::int64_t channel, std::int64_t b) const {
  const std::int64_t end = run.channel + run.channels;
  if (channel + 1 < end) return team(channel + 1, b, run.end);
  if (b + team_ < run.end) return team(run.channel, b + team_, run.end);
  if (end < shape_.h) return team(end, 0, shape_.b);
  return std::nullopt;
}

Ahead FusedRows::fetched(const Run& run, std::int64_t channel, std::int64_t b,
                         std::initializer_list<const void*> next,
                         std::initializer_list<const void*> own) const {
  Ahead ahead;
  if (passes_fetch() || !out_of_cache()) return ahead;
  const bool late = shape_.n <= habits().longest_late;
  const auto add = [&](std::initializer_list<const void*> inputs, const Team& of) {
    for (const void* input : inputs) {
      for (int row = 0; input != nullptr && row < of.rows; ++row) {
        ahead.stream[ahead.count++] = static_cast<const char*>(element(input, of, row));
      }
    }
  };
  const Team now = team(channel, b, run.end);
  const std::optional<Team> following = after(run, channel, b);
  const bool fetches_own = shape_.n <= habits().longest_factors;
  if (following) add(next, *following);
  if (fetches_own && late) add(own, now);
  if (fetches_own && !late && following) add(own, *following);
  ahead.bytes = shape_.l * static_cast<std::int64_t>(size_of(dtype_));
  if (ahead.count * ahead.bytes > kMostFetched) return Ahead();
  const std::int64_t lines = (ahead.bytes + 63) / 64, columns = plan_.s / 16;
  const auto of_column = [&](std::int64_t part) {
    return static_cast<int>((lines / part + columns - 1) / columns);
  };
  // For one stream a row the blocks' time is enough.
  const bool many = ahead.count >= 2 * now.rows;
  if (many) ahead.lines_before = of_column(late ? 4 : 8);
  if (many && !late) ahead.lines_after = of_column(8);
  ahead.nearest = habits().nearest && (late || !many);
  ahead.skew = ahead.nearest ? 0 : habits().skew;
  const std::int64_t innermost = (now.rows * plan_.own() + 2) * plan_.s / 64;
  const std::int64_t left = lines - (ahead.lines_before + ahead.lines_after) * columns;
  ahead.lines = static_cast<int>((left + innermost - 1) / innermost);
  return ahead;
}

bool FusedRows::out_of_cache() const {
  return shape_.elements() * static_cast<std::int64_t>(size_of(dtype_)) >= kStreamingBytes;
}

bool FusedRows::bypasses_caches(const void* y) const {
  const auto bytes = static_cast<std::int64_t>(size_of(dtype_));
  // A vector has to fill a line: half a line of 16 rows each is more than the write-combining
  // buffers hold, and they would go to memory in halves.
  return out_of_cache() && !ragged() && engine_.lanes * bytes == 64 &&
         reinterpret_cast<std::uintptr_t>(y) % 64 == 0 && shape_.l * bytes % 64 == 0;
}

}  // namespace sb::fft_conv
