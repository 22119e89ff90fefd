#include "suites/gr_kan/chunks.h"

#include <omp.h>

#include <algorithm>

#include "core/buffer.h"
#include "core/phase.h"
#include "suites/gr_kan/gr_kan_op.h"

namespace sb::gr_kan {
namespace {

// 64 rows keep a chunk's fixed costs below a percent; 256 chunks feed any number of cores and keep
// the table of sums small.
constexpr std::int64_t kLeastRows = 64;
constexpr std::int64_t kMostChunks = 256;

std::int64_t chunks_of(std::int64_t rows) {
  return std::clamp<std::int64_t>(rows / kLeastRows, 1, kMostChunks);
}

class Chunked final : public Kernel {
 public:
  Chunked(const Problem& problem, ChunkAlgorithm algorithm)
      : shape_(problem),
        algorithm_(algorithm),
        threads_(problem.threads),
        chunks_(chunks_of(shape_.rows)),
        // A multiple of 16 floats per thread keeps every thread's scratch on its own lines.
        scratch_stride_((algorithm.scratch_floats_per_group * shape_.groups + 15) / 16 * 16),
        coefficients_(bytes<float>(shape_.groups * kTerms)),
        sums_(bytes<double>(chunks_ * shape_.groups * kTerms)),
        scratch_(bytes<float>(scratch_stride_ * threads_)) {}

  void run(const Operands& o) override {
    using namespace backward;
    gather_coefficients(shape_, o.get<float>(kA), o.get<float>(kB), coefficients_.as<float>());
    const BackwardCall call{shape_, o.get<float>(kX), o.get<float>(kG), o.get<float>(kDx),
                            coefficients_.as<float>()};
    run_chunks(call);
    const Phase phase("fold");
    double* total = sums_.as<double>();
    for (std::int64_t chunk = 1; chunk < chunks_; ++chunk) {
      for (std::int64_t i = 0; i < row_of_sums(); ++i) total[i] += total[chunk * row_of_sums() + i];
    }
    write_coefficient_gradients(shape_, o.get<float>(kB), total, o.get<float>(kDa),
                                o.get<float>(kDb));
  }

 private:
  template <typename T>
  static std::size_t bytes(std::int64_t count) {
    return static_cast<std::size_t>(count) * sizeof(T);
  }
  std::int64_t row_of_sums() const { return shape_.groups * kTerms; }

  void run_chunks(const BackwardCall& call) {
#pragma omp parallel num_threads(threads_)
    {
      const double elements = static_cast<double>(shape_.elements()) / threads_;
      const Phase phase("rows", {.read = 8 * elements, .written = 4 * elements});
      float* scratch = scratch_.as<float>() + omp_get_thread_num() * scratch_stride_;
#pragma omp for schedule(dynamic)  // a core that somebody else uses as well takes fewer
      for (std::int64_t chunk = 0; chunk < chunks_; ++chunk) {
        double* sums = sums_.as<double>() + chunk * row_of_sums();
        std::fill_n(sums, row_of_sums(), 0.0);
        algorithm_.run(call, shape_.rows * chunk / chunks_, shape_.rows * (chunk + 1) / chunks_,
                       scratch, sums);
      }
    }
  }

  Shape shape_;
  ChunkAlgorithm algorithm_;
  int threads_;
  std::int64_t chunks_;
  std::int64_t scratch_stride_;
  Buffer coefficients_;
  Buffer sums_;
  Buffer scratch_;
};

}  // namespace

std::unique_ptr<Kernel> make_chunked(const Problem& problem, ChunkAlgorithm algorithm) {
  return std::make_unique<Chunked>(problem, algorithm);
}

}  // namespace sb::gr_kan
