// From passes over pieces of a row to a kernel over rows and threads.
#include <omp.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "core/phase.h"
#include "suites/softmax/softmax_op.h"

namespace sb::softmax {
namespace {

// Pieces of a row that threads share out begin at cache lines, so that no line has two writers.
constexpr std::int64_t kLine = 16;  // floats

struct Piece {
  std::int64_t begin, end;
  std::int64_t size() const { return end - begin; }
};

Piece piece_of(std::int64_t n, int thread, int threads) {
  const std::int64_t lines = (n + kLine - 1) / kLine;
  return {std::min(n, lines * thread / threads * kLine),
          std::min(n, lines * (thread + 1) / threads * kLine)};
}

Partial sum_of(const Passes& p, const float* x, float* y, std::int64_t n, float scale) {
  Partial total = p.sum(x, y, std::min(n, p.block), scale);
  for (std::int64_t i = p.block; i < n; i += p.block) {
    total = p.merge(total, p.sum(x + i, y + i, std::min(n - i, p.block), scale));
  }
  return total;
}

void softmax_row(const Passes& p, const float* x, float* y, std::int64_t n) {
  // An exponential of one element is 1 by definition; two-pass would give 0.99999994 for some.
  const Passes& passes = n == 1 && p.rescue != nullptr ? *p.rescue : p;
  const float maximum = passes.maximum != nullptr ? passes.maximum(x, n) : 0;
  const Partial total = sum_of(passes, x, y, n, maximum);
  if (passes.trusted != nullptr && !passes.trusted(total)) {
    return softmax_row(*passes.rescue, x, y, n);
  }
  passes.write(x, y, n, total);
}

// One row over all threads of the team: partial results meet in `partials`, everyone merges them
// in the same order, so the result does not depend on who came first.
void softmax_row_in_team(const Passes& p, const float* x, float* y, std::int64_t n,
                         std::vector<Partial>& partials) {
  const int threads = static_cast<int>(partials.size());
  bool rescue = false;
#pragma omp parallel num_threads(threads)
  {
    const int me = omp_get_thread_num();
    const Piece piece = piece_of(n, me, omp_get_num_threads());
    Partial& mine = partials[static_cast<std::size_t>(me)];
    float maximum = 0;
    if (p.maximum != nullptr) {
      mine.scale = p.maximum(x + piece.begin, piece.size());
#pragma omp barrier
      maximum = partials[0].scale;
      for (const Partial& other : partials) maximum = std::max(maximum, other.scale);
#pragma omp barrier
    }
    mine = sum_of(p, x + piece.begin, y + piece.begin, piece.size(), maximum);
#pragma omp barrier
    Partial total = partials[0];
    for (std::size_t t = 1; t < partials.size(); ++t) total = p.merge(total, partials[t]);
    if (p.trusted == nullptr || p.trusted(total)) {
      p.write(x + piece.begin, y + piece.begin, piece.size(), total);
    } else if (me == 0) {
      rescue = true;
    }
  }
  if (rescue) softmax_row_in_team(*p.rescue, x, y, n, partials);
}

class PassesKernel final : public Kernel {
 public:
  PassesKernel(const Passes& passes, const Problem& problem)
      : passes_(passes), shape_(problem), threads_(problem.threads) {
    // Less than a page of work for each thread is not worth a split.
    const std::int64_t pieces = std::max<std::int64_t>(1, shape_.cols / 1024);
    partials_.resize(static_cast<std::size_t>(std::min<std::int64_t>(threads_, pieces)));
  }

  void run(const Operands& operands) override {
    const float* x = operands.get<float>(kX);
    float* y = operands.get<float>(kY);
    const auto [rows, cols, stride] = shape_;
    if (cols == 0) return;
    if (threads_ == 1) {
      for (std::int64_t r = 0; r < rows; ++r)
        softmax_row(passes_, x + r * stride, y + r * stride, cols);
    } else if (rows < threads_) {
      for (std::int64_t r = 0; r < rows; ++r) {
        softmax_row_in_team(passes_, x + r * stride, y + r * stride, cols, partials_);
      }
    } else {
#pragma omp parallel for schedule(static) num_threads(threads_)
      for (std::int64_t r = 0; r < rows; ++r) {
        softmax_row(passes_, x + r * stride, y + r * stride, cols);
      }
    }
  }

 private:
  const Passes& passes_;
  Shape shape_;
  int threads_;
  std::vector<Partial> partials_;
};

}  // namespace

Variant variant_of(std::string name, Isa isa, const Passes& passes, double moved,
                   std::string summary, std::string paper) {
  return {
      .op = "softmax",
      .name = name,
      .isa = isa,
      .summary = std::move(summary),
      .paper = std::move(paper),
      .streams = name.ends_with("_stream"),
      .bytes_algorithm = [moved](const Problem& problem) { return bytes_moved(problem, moved); },
      .make = [&passes](const Problem& problem) -> std::unique_ptr<Kernel> {
        return std::make_unique<PassesKernel>(passes, problem);
      }};
}

}  // namespace sb::softmax
