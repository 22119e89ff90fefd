// Peer: oneDNN's softmax and log-softmax primitives. It shares rows out over the OpenMP threads.
#if SB_HAVE_ONEDNN
#include <omp.h>

#include <oneapi/dnnl/dnnl.hpp>

#include "core/registry.h"
#include "suites/softmax/softmax_op.h"

namespace sb::softmax {
namespace {

using dnnl::memory;

memory::desc desc_of(const Problem& problem) {
  const Shape s(problem);
  const auto type =
      problem.dtype == Dtype::kBf16 ? memory::data_type::bf16 : memory::data_type::f32;
  return {{s.rows, s.cols}, type, {s.stride, 1}};
}

class OnednnSoftmax final : public Kernel {
 public:
  explicit OnednnSoftmax(const Problem& problem, dnnl::algorithm algorithm)
      : threads_(problem.threads), x_(desc_of(problem), engine_), y_(desc_of(problem), engine_) {
    const Team team(threads_);  // the primitive is planned for the threads it sees here
    using dnnl::softmax_v2_forward;
    const softmax_v2_forward::desc desc(dnnl::prop_kind::forward_inference, algorithm,
                                        desc_of(problem), desc_of(problem), 1);
    primitive_ = softmax_v2_forward({desc, engine_});
  }

  void run(const Operands& operands) override {
    x_.set_data_handle(operands.get<void>(kX));
    y_.set_data_handle(operands.get<void>(kY));
    const Team team(threads_);
    primitive_.execute(stream_, {{DNNL_ARG_SRC, x_}, {DNNL_ARG_DST, y_}});
    stream_.wait();
  }

 private:
  // oneDNN takes as many threads as OpenMP would.
  struct Team {
    explicit Team(int threads) { omp_set_num_threads(threads); }
    ~Team() { omp_set_num_threads(before); }
    int before = omp_get_max_threads();
  };

  int threads_;
  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_{engine_};
  memory x_;
  memory y_;
  dnnl::softmax_v2_forward primitive_;
};

Variant onednn_variant(const char* op, dnnl::algorithm algorithm) {
  return {.op = op,
          .name = "onednn",
          .isa = Isa::kNative,
          .dtypes = {Dtype::kF32, Dtype::kBf16},
          .summary = "oneDNN's softmax primitive",
          .tolerance_factor = library_tolerance_factor,
          .make = [algorithm](const Problem& problem) -> std::unique_ptr<Kernel> {
            return std::make_unique<OnednnSoftmax>(problem, algorithm);
          }};
}

const Registration softmax{onednn_variant("softmax", dnnl::algorithm::softmax_accurate)};
const Registration log_softmax{onednn_variant("log_softmax", dnnl::algorithm::softmax_log)};

}  // namespace
}  // namespace sb::softmax
#endif
