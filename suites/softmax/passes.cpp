// From passes over pieces of a row to kernels over rows and threads.
#include "suites/softmax/passes.h"

#include <omp.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include <algorithm>
#include <limits>
#include <vector>

#include "core/phase.h"
#include "core/registry.h"

namespace sb::softmax {
namespace {

// Results below 2^-126 count as zero (spec section 2.6), and the two-pass paper measures so: an
// element among them would cost a microcode assist of a hundred cycles. MXCSR bits 15 (flush
// results to zero) and 6 (take operands as zero) of this thread, put back at the end.
class FlushDenormals {
 public:
#if defined(__x86_64__)
  FlushDenormals() : before_(_mm_getcsr()) { _mm_setcsr(before_ | 0x8040); }
  ~FlushDenormals() { _mm_setcsr(before_); }
  FlushDenormals(const FlushDenormals&) = delete;

 private:
  unsigned before_;
#else
  FlushDenormals() {}
#endif
};

// A piece of a row.
struct Piece {
  const char* x;
  char* y;
  std::int64_t n;
  std::int64_t element;  // bytes

  double bytes() const { return static_cast<double>(n * element); }  // of x

  Piece part(std::int64_t begin, std::int64_t end) const {
    return {x + begin * element, y + begin * element, end - begin, element};
  }

  // Of the part of one thread: parts begin at cache lines of y, so that no line has two writers.
  Piece part_of(int thread, int threads) const {
    const std::int64_t line = 64 / element;
    const std::int64_t lines = (n + line - 1) / line;
    return part(std::min(n, lines * thread / threads * line),
                std::min(n, lines * (thread + 1) / threads * line));
  }
};

// Visits a piece as spans: what lies beyond a private cache in kStreams runs, between the first
// line of y and what is left over. The runs begin at different places of a page, 17 lines from one
// to the next: stores past the caches to lines that agree in the low 12 bits of their addresses
// drain one another's fill buffers (Ice Lake: 7.8 to 8.7 GB/s in place of 21 to 22; any distance
// from one line on will do, half a page less well).
template <class F>
void for_each_span(const Piece& piece, const F& visit) {
  constexpr std::int64_t kFrom = std::int64_t{1} << 20;  // bytes of x
  constexpr std::int64_t kLinesOfPage = 64, kShift = 17;
  if (piece.n * piece.element < kFrom) return visit(piece, Span{piece.n});
  const std::int64_t line = 64 / piece.element;
  const auto past = static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(piece.y) % 64);
  const std::int64_t head = past == 0 ? 0 : line - past / piece.element;
  const std::int64_t lines = (piece.n - head) / kStreams / line - kShift;
  const std::int64_t run = (lines / kLinesOfPage * kLinesOfPage + kShift) * line;
  if (head > 0) visit(piece, Span{head});
  visit(piece.part(head, head + kStreams * run), Span{kStreams * run, run});
  const Piece rest = piece.part(head + kStreams * run, piece.n);
  if (rest.n > 0) visit(rest, Span{rest.n});
}

float maximum_of(const Passes& p, const Piece& piece, PhaseSink* sink) {
  const Phase phase("pass 1: maximum", {.read = piece.bytes()}, sink);
  float m = -std::numeric_limits<float>::infinity();
  for_each_span(piece,
                [&](const Piece& part, Span span) { m = std::max(m, p.maximum(part.x, span)); });
  return m;
}

Partial sum_of(const Passes& p, const Piece& piece, float scale, PhaseSink* sink) {
  const Phase phase(p.maximum != nullptr ? "pass 2: sum" : "pass 1: sum",
                    {.read = piece.bytes(), .written = p.sum_writes ? piece.bytes() : 0}, sink);
  Partial total{scale, 0};
  bool first = true;
  for_each_span(piece, [&](const Piece& part, Span span) {
    const int streams = span.apart == 0 ? 1 : kStreams;
    const std::int64_t run = span.n / streams;
    for (std::int64_t i = 0; i < run; i += p.block / streams) {
      const std::int64_t n = std::min(run - i, p.block / streams);
      const Piece block = part.part(i, i + n);
      const Partial next = p.sum(block.x, block.y, {n * streams, span.apart}, total.scale);
      total = first ? next : p.merge(total, next);
      first = false;
    }
  });
  return total;
}

void write(const Passes& p, const Piece& piece, Partial total, PhaseSink* sink) {
  const Phase phase(p.maximum != nullptr ? "pass 3: write" : "pass 2: write",
                    {.read = piece.bytes(), .written = piece.bytes()}, sink);
  for_each_span(piece, [&](const Piece& part, Span span) { p.write(part.x, part.y, span, total); });
}

// An exponential of one element is 1 by definition; two-pass would give 0.99999994 for some.
const Passes& passes_for(const Passes& p, std::int64_t n) {
  return n == 1 && p.rescue != nullptr ? *p.rescue : p;
}

void row_alone(const Passes& p, const Piece& row, PhaseSink* sink) {
  const float scale =
      p.maximum != nullptr ? maximum_of(p, row, sink) : std::numeric_limits<float>::lowest();
  const Partial total = sum_of(p, row, scale, sink);
  if (p.trusted != nullptr && !p.trusted(total)) return row_alone(*p.rescue, row, sink);
  write(p, row, total, sink);
}

// Of the whole team, once every thread has brought its part.
Partial merged(const Passes& p, const std::vector<Partial>& partials, PhaseSink* sink) {
  const Phase phase("merge", {}, sink);
#pragma omp barrier
  Partial total = partials[0];
  for (std::size_t t = 1; t < partials.size(); ++t) total = p.merge(total, partials[t]);
  return total;
}

// One row over all threads of the team: partial results meet in `partials`, everyone merges them
// in the same order, so the result does not depend on who came first.
void row_in_team(const Passes& p, const Piece& row, std::vector<Partial>& partials) {
  const int threads = static_cast<int>(partials.size());
  PhaseSink* sink = phase_listener();
  bool rescue = false;
#pragma omp parallel num_threads(threads)
  {
    const FlushDenormals flush;
    const int me = omp_get_thread_num();
    const Piece mine = row.part_of(me, threads);
    Partial& result = partials[static_cast<std::size_t>(me)];
    float scale = std::numeric_limits<float>::lowest();
    if (p.maximum != nullptr) {
      result.scale = maximum_of(p, mine, sink);
      const Phase phase("merge", {}, sink);
#pragma omp barrier
      scale = partials[0].scale;
      for (const Partial& other : partials) scale = std::max(scale, other.scale);
#pragma omp barrier
    }
    result = sum_of(p, mine, scale, sink);
    const Partial total = merged(p, partials, sink);
    if (p.trusted == nullptr || p.trusted(total)) {
      write(p, mine, total, sink);
    } else if (me == 0) {
      rescue = true;
    }
  }
  if (rescue) row_in_team(*p.rescue, row, partials);
}

class PassesKernel final : public Kernel {
 public:
  PassesKernel(const Passes& passes, const Problem& problem)
      : shape_(problem),
        passes_(passes_for(passes, shape_.cols)),
        threads_(problem.threads),
        element_(static_cast<std::int64_t>(size_of(problem.dtype))) {
    // Less than a page of work for each thread is not worth a split.
    const std::int64_t pieces = std::max<std::int64_t>(1, shape_.cols / 1024);
    partials_.resize(static_cast<std::size_t>(std::min<std::int64_t>(threads_, pieces)));
  }

  void run(const Operands& operands) override {
    if (shape_.cols == 0) return;
    PhaseSink* sink = phase_listener();
    if (threads_ == 1) {
      const FlushDenormals flush;
      for (std::int64_t r = 0; r < shape_.rows; ++r) row_alone(passes_, row(operands, r), sink);
    } else if (shape_.rows < threads_) {
      for (std::int64_t r = 0; r < shape_.rows; ++r) {
        row_in_team(passes_, row(operands, r), partials_);
      }
    } else {
#pragma omp parallel num_threads(threads_)
      {
        const FlushDenormals flush;
#pragma omp for schedule(static)
        for (std::int64_t r = 0; r < shape_.rows; ++r) row_alone(passes_, row(operands, r), sink);
      }
    }
  }

 private:
  Piece row(const Operands& operands, std::int64_t r) const {
    const std::int64_t offset = r * shape_.stride * element_;
    return {operands.get<const char>(kX) + offset, operands.get<char>(kY) + offset, shape_.cols,
            element_};
  }

  Shape shape_;
  const Passes& passes_;
  int threads_;
  std::int64_t element_;
  std::vector<Partial> partials_;
};

const Passes* passes_of(const Algorithm::Storage& storage, Dtype dtype) {
  switch (dtype) {
    case Dtype::kF32:
      return storage.f32;
    case Dtype::kBf16:
      return storage.bf16;
    case Dtype::kF16:
      return storage.f16;
    default:
      return nullptr;
  }
}

// A scalar store past the caches has 32 bits at least.
bool offers(const Algorithm::Storage& storage, Dtype dtype, Isa isa, bool streams) {
  if (isa == Isa::kScalar && streams && dtype != Dtype::kF32) return false;
  return passes_of(storage, dtype) != nullptr;
}

void offer(const char* op, const About& about, bool streams, Isa isa,
           const Algorithm::Storage& storage, const char* source) {
  Variant variant{.op = op,
                  .name = about.name + (streams ? "_stream" : ""),
                  .isa = isa,
                  .dtypes = {},
                  .summary = about.summary + (streams ? "; y stored past the caches" : ""),
                  .paper = about.paper,
                  .streams = streams};
  for (const Dtype dtype : {Dtype::kF32, Dtype::kBf16, Dtype::kF16}) {
    if (offers(storage, dtype, isa, streams)) variant.dtypes.push_back(dtype);
  }
  if (variant.dtypes.empty()) return;
  variant.bytes_algorithm = [moved = about.moved](const Problem& problem) {
    return bytes_moved(problem, moved);
  };
  variant.make = [storage](const Problem& problem) -> std::unique_ptr<Kernel> {
    return std::make_unique<PassesKernel>(*passes_of(storage, problem.dtype), problem);
  };
  Registration(std::move(variant), source);
}

}  // namespace

Registrations::Registrations(const About& about, Isa isa, const Algorithm& algorithm,
                             const char* source) {
  offer("softmax", about, false, isa, algorithm.softmax, source);
  offer("softmax", about, true, isa, algorithm.softmax_stream, source);
  offer("log_softmax", about, false, isa, algorithm.log_softmax, source);
  offer("log_softmax", about, true, isa, algorithm.log_softmax_stream, source);
}

}  // namespace sb::softmax
