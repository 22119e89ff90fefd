// Peer: XNNPACK's softmax operator (three-pass reload). It shares rows out over threads and never
// splits one.
#if SB_HAVE_XNNPACK
#include <pthread.h>
#include <pthreadpool.h>
#include <sched.h>
#include <xnnpack.h>

#include <stdexcept>

#include "core/registry.h"
#include "suites/softmax/softmax_op.h"

namespace sb::softmax {
namespace {

void demand(xnn_status status, const char* call) {
  if (status != xnn_status_success) {
    throw std::runtime_error(std::string(call) + ": XNNPACK status " + std::to_string(status));
  }
}

// Threads inherit the place their creator is pinned to: the pool's get all of the machine, so that
// they do not queue up behind the caller.
pthreadpool_t make_pool(int threads) {
  if (threads == 1) return nullptr;  // XNNPACK then stays on the calling thread
  cpu_set_t mine;
  cpu_set_t all;
  pthread_getaffinity_np(pthread_self(), sizeof mine, &mine);
  CPU_ZERO(&all);
  for (std::size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) CPU_SET(cpu, &all);
  pthread_setaffinity_np(pthread_self(), sizeof all, &all);
  pthreadpool_t pool = pthreadpool_create(static_cast<std::size_t>(threads));
  pthread_setaffinity_np(pthread_self(), sizeof mine, &mine);
  return pool;
}

class XnnpackSoftmax final : public Kernel {
 public:
  explicit XnnpackSoftmax(const Problem& problem)
      : shape_(problem), pool_(make_pool(problem.threads)) {
    demand(xnn_initialize(nullptr), "xnn_initialize");
    const auto cols = static_cast<std::size_t>(shape_.cols);
    const auto stride = static_cast<std::size_t>(shape_.stride);
    if (cols == 0) return;  // XNNPACK refuses empty rows; nothing is what they need
    demand(xnn_create_softmax_nc_f32(cols, stride, stride, 0, &operator_),
           "xnn_create_softmax_nc_f32");
  }
  ~XnnpackSoftmax() override {
    xnn_delete_operator(operator_);
    pthreadpool_destroy(pool_);
  }

  void run(const Operands& operands) override {
    if (shape_.cols == 0) return;
    demand(xnn_setup_softmax_nc_f32(operator_, static_cast<std::size_t>(shape_.rows),
                                    operands.get<const float>(kX), operands.get<float>(kY), pool_),
           "xnn_setup_softmax_nc_f32");
    demand(xnn_run_operator(operator_, pool_), "xnn_run_operator");
  }

 private:
  Shape shape_;
  pthreadpool_t pool_;
  xnn_operator_t operator_ = nullptr;
};

const Registration xnnpack{
    Variant{.op = "softmax",
            .name = "xnnpack",
            .isa = Isa::kNative,
            .summary = "XNNPACK's softmax operator",
            .bytes_algorithm = [](const Problem& problem) { return bytes_moved(problem, 5); },
            .tolerance_factor = library_tolerance_factor,
            .make = [](const Problem& problem) -> std::unique_ptr<Kernel> {
              return std::make_unique<XnnpackSoftmax>(problem);
            }}};

}  // namespace
}  // namespace sb::softmax
#endif
