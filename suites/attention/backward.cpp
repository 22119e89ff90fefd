// attention_backward in the flash forms: nothing of size M x N is stored.
//   flash2  panels of Q, dO and dQ stay packed; where key heads are fewer than threads, key blocks
//           are dealt out, and every share has a dQ of its own, summed in order: deterministic
//   flash1  (arXiv 2205.14135, algorithm 4) every visit fetches Q, dO and dQ and puts dQ back; one
//           task per key head
#include "suites/attention/backward.h"

#include <omp.h>

#include "core/buffer.h"
#include "core/phase.h"
#include "core/registry.h"

#define SB_ISA_FILE "suites/attention/backward-inl.h"
#include "suites/attention/for_each_isa.h"

namespace sb::attention {

std::int64_t backward_workspace_floats(std::int64_t m, int d, int lanes) {
  const std::int64_t widest = kPanelVectors * lanes;
  const std::int64_t padded = Arena::padded(d);
  const auto panels = static_cast<std::int64_t>(plan_panels(m, lanes).size());
  return Arena::padded(2 * kBackwardKeys * padded + lanes * padded) + 2 * m * padded +
         2 * kGroupPanels * Arena::padded(kBackwardKeys * widest) +
         panels * (3 * Arena::padded(padded * widest) + 2 * Arena::padded(widest));
}

namespace {

class FlashBackward final : public Kernel {
 public:
  FlashBackward(const Problem& problem, Isa isa, bool repack)
      : shape_(problem),
        threads_(problem.threads),
        repack_(repack),
        head_(SB_FOR_ISA(isa, backward_head)),
        panels_(plan_panels(shape_.m, lanes_of(isa))) {
    const std::int64_t heads = shape_.b * shape_.hkv;
    const std::int64_t blocks = (shape_.n + kBackwardKeys - 1) / kBackwardKeys;
    if (!repack) shares_ = std::min(blocks, (threads_ + heads - 1) / heads);
    workspace_floats_ = backward_workspace_floats(shape_.m, shape_.d, lanes_of(isa));
    workspace_ = Buffer(static_cast<std::size_t>(workspace_floats_ * threads_) * sizeof(float));
    if (shares_ == 1) return;
    dq_shares_ = Buffer(static_cast<std::size_t>(shares_ * query_floats()) * sizeof(float));
  }

  void run(const Operands& operands) override {
    const std::int64_t tasks = shape_.b * shape_.hkv * shares_;
#pragma omp parallel num_threads(threads_)
    {
#pragma omp for schedule(dynamic, 1)
      for (std::int64_t task = 0; task < tasks; ++task) {
        const Phase phase("backward");
        for (std::int64_t g = 0; g < shape_.group(); ++g) run_head(operands, task, g);
      }
      if (shares_ > 1) {
#pragma omp for
        for (std::int64_t row = 0; row < shape_.b * shape_.h * shape_.m; ++row) {
          sum_shares(operands, row);
        }
      }
    }
  }

 private:
  std::int64_t query_floats() const { return shape_.b * shape_.h * shape_.m * shape_.d; }

  void run_head(const Operands& operands, std::int64_t task, std::int64_t g) const {
    const std::int64_t key_head = task / shares_;
    const std::int64_t share = task % shares_;
    const std::int64_t batch = key_head / shape_.hkv;
    const std::int64_t head = key_head % shape_.hkv * shape_.group() + g;
    const std::int64_t q = shape_.query_head(batch, head);
    const std::int64_t k = shape_.key_head(batch, key_head % shape_.hkv);
    const std::int64_t stride = shape_.query_stride();
    const std::int64_t row = (batch * shape_.h + head) * shape_.m;
    BackwardTask task_of_head{.head = head_of(shape_, Dtype::kF32, operands, batch, head),
                              .m = shape_.m,
                              .o = {operands.get<const float>(backward::kO) + q, stride},
                              .d_o = {operands.get<const float>(backward::kDO) + q, stride},
                              .lse = operands.get<const float>(backward::kLse) + row,
                              .dq = {operands.get<float>(backward::kDQ) + q, stride},
                              .dk = {operands.get<float>(backward::kDK) + k, shape_.key_stride()},
                              .dv = {operands.get<float>(backward::kDV) + k, shape_.key_stride()},
                              .add = g > 0,
                              .first_block = static_cast<int>(share),
                              .block_step = static_cast<int>(shares_),
                              .repack = repack_,
                              .panels = panels_.data(),
                              .panel_count = static_cast<int>(panels_.size())};
    if (shares_ > 1) {
      task_of_head.dq = {dq_shares_.as<float>() + share * query_floats() + row * shape_.d,
                         shape_.d};
    }
    head_(task_of_head, workspace_.as<float>() + omp_get_thread_num() * workspace_floats_);
  }

  void sum_shares(const Operands& operands, std::int64_t row) const {
    const std::int64_t head = row / shape_.m;
    float* to = operands.get<float>(backward::kDQ) +
                shape_.query_head(head / shape_.h, head % shape_.h) +
                row % shape_.m * shape_.query_stride();
    for (int c = 0; c < shape_.d; ++c) {
      float sum = 0;
      for (std::int64_t share = 0; share < shares_; ++share) {
        sum += dq_shares_.as<float>()[share * query_floats() + row * shape_.d + c];
      }
      to[c] = sum;
    }
  }

  Shape shape_;
  int threads_;
  bool repack_;
  decltype(&scalar::backward_head) head_;
  std::vector<PanelShape> panels_;
  std::int64_t shares_ = 1;
  std::int64_t workspace_floats_ = 0;
  Buffer workspace_;
  Buffer dq_shares_;
};

// Q, dO and dQ (read and written) once per block of keys, K, V, dK and dV once.
double bytes_algorithm(const Problem& problem) {
  const Shape s(problem);
  const double blocks = s.visible_pairs() / static_cast<double>(s.m) / kBackwardKeys;
  const double rows = static_cast<double>(s.b * s.h * s.m) * s.d;
  const double keys = static_cast<double>(s.b * s.hkv * s.n) * s.d;
  return 4 * (rows * (4 * blocks + 2) + 4 * keys);
}

Variant flash(const char* name, Isa isa, bool repack, const char* summary, const char* paper) {
  return {.op = "attention_backward",
          .name = name,
          .isa = isa,
          .summary = summary,
          .paper = paper,
          .bytes_algorithm = bytes_algorithm,
          .make = [=](const Problem& p) -> std::unique_ptr<Kernel> {
            return std::make_unique<FlashBackward>(p, isa, repack);
          }};
}

struct Family {
  Family(const char* name, bool repack, const char* summary, const char* paper) {
    for (const Isa isa : {Isa::kScalar, Isa::kAvx2, Isa::kAvx512}) {
      Registration(flash(name, isa, repack, summary, paper), __FILE__);
    }
  }
};

const Family flash2{"flash2", false, "five products per block, dK and dV stay local, no atomics",
                    "arXiv:2307.08691 algorithm 2"};
const Family flash1{"flash1", true,
                    "flash2 with Q, dO and dQ fetched for every block, one task per "
                    "key head",
                    "arXiv:2205.14135 algorithm 4"};

}  // namespace
}  // namespace sb::attention
