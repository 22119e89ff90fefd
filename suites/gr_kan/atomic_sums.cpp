#include "suites/gr_kan/atomic_sums.h"

#include <algorithm>

#include "core/buffer.h"
#include "suites/gr_kan/gr_kan_op.h"

namespace sb::gr_kan {
namespace {

class AtomicSums final : public Kernel {
 public:
  AtomicSums(const Problem& problem, AtomicFunction function)
      : shape_(problem),
        threads_(problem.threads),
        function_(std::move(function)),
        coefficients_(count() * sizeof(float)),
        global_(count() * sizeof(float)),
        totals_(count() * sizeof(double)) {}

  void run(const Operands& o) override {
    using namespace backward;
    gather_coefficients(shape_, o.get<float>(kA), o.get<float>(kB), coefficients_.as<float>());
    std::fill_n(global_.as<float>(), count(), 0.0f);
    const BackwardCall call{shape_, o.get<float>(kX), o.get<float>(kG), o.get<float>(kDx),
                            coefficients_.as<float>()};
    function_(call, threads_, global_.as<float>());
    std::copy_n(global_.as<float>(), count(), totals_.as<double>());
    write_coefficient_gradients(shape_, o.get<float>(kB), totals_.as<double>(), o.get<float>(kDa),
                                o.get<float>(kDb));
  }

 private:
  std::size_t count() const { return static_cast<std::size_t>(shape_.groups * kTerms); }

  Shape shape_;
  int threads_;
  AtomicFunction function_;
  Buffer coefficients_;
  Buffer global_;
  Buffer totals_;
};

}  // namespace

std::unique_ptr<Kernel> make_atomic(const Problem& problem, AtomicFunction function) {
  return std::make_unique<AtomicSums>(problem, std::move(function));
}

}  // namespace sb::gr_kan
