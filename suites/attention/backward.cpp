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
  return Arena::padded(2 * kBackwardKeys * (padded + value_row_floats(d)) + (lanes + 1) * padded) +
         2 * m * padded + 2 * kGroupPanels * Arena::padded(kBackwardKeys * widest) +
         panels * (3 * Arena::padded(padded * widest) + 2 * Arena::padded(widest));
}

namespace {

class FlashBackward final : public Kernel {
 public:
  FlashBackward(const Problem& problem, Isa isa, bool repack)
      : shape_(problem),
        dtype_(problem.dtype),
        threads_(problem.threads),
        repack_(repack),
        head_(SB_FOR_ISA(isa, backward_head)),
        finish_(SB_FOR_ISA(isa, finish_row)),
        panels_(plan_panels(shape_.m, lanes_of(isa))) {
    const std::int64_t heads = shape_.b * shape_.hkv;
    const std::int64_t blocks = (shape_.n + kBackwardKeys - 1) / kBackwardKeys;
    if (!repack) shares_ = std::min(blocks, (threads_ + heads - 1) / heads);
    workspace_floats_ = backward_workspace_floats(shape_.m, shape_.d, lanes_of(isa));
    workspace_ = Buffer(static_cast<std::size_t>(workspace_floats_ * threads_) * sizeof(float));
    const bool narrow = dtype_ != Dtype::kF32;
    if (shares_ > 1 || narrow) dq_shares_ = floats(shares_ * query_floats());
    if (narrow) dk_dv_ = floats(2 * key_floats());
  }

  void run(const Operands& operands) override {
    const std::int64_t tasks = shape_.b * shape_.hkv * shares_;
#pragma omp parallel num_threads(threads_)
    {
#pragma omp for schedule(dynamic, 1)
      for (std::int64_t task = 0; task < tasks; ++task) {
        const Phase phase("tiles");
        for (std::int64_t g = 0; g < shape_.group(); ++g) run_head(operands, task, g);
      }
      if (dq_shares_.size() > 0) {
        const Phase phase("merge");
#pragma omp for
        for (std::int64_t row = 0; row < shape_.b * shape_.h * shape_.m; ++row) {
          finish_query_row(operands, row);
        }
      }
      if (dk_dv_.size() > 0) {
#pragma omp for
        for (std::int64_t row = 0; row < shape_.b * shape_.hkv * shape_.n; ++row) {
          finish_key_row(operands, row);
        }
      }
    }
  }

 private:
  static Buffer floats(std::int64_t count) {
    return Buffer(static_cast<std::size_t>(count) * sizeof(float));
  }
  std::int64_t query_floats() const { return shape_.b * shape_.h * shape_.m * shape_.d; }
  std::int64_t key_floats() const { return shape_.b * shape_.hkv * shape_.n * shape_.d; }

  void run_head(const Operands& operands, std::int64_t task, std::int64_t g) const {
    const std::int64_t key_head = task / shares_;
    const std::int64_t share = task % shares_;
    const std::int64_t batch = key_head / shape_.hkv;
    const std::int64_t head = key_head % shape_.hkv * shape_.group() + g;
    const std::int64_t q = shape_.query_head(batch, head);
    const std::int64_t k = shape_.key_head(batch, key_head % shape_.hkv);
    const std::int64_t stride = shape_.query_stride();
    const std::int64_t row = (batch * shape_.h + head) * shape_.m;
    const auto rows_of = [&](int place) -> Rows<const void*> {
      return {at(dtype_, operands.get<const void>(place), q), stride};
    };
    BackwardTask task_of_head{.head = head_of(shape_, dtype_, operands, batch, head),
                              .m = shape_.m,
                              .o = rows_of(backward::kO),
                              .d_o = rows_of(backward::kDO),
                              .lse = operands.get<const float>(backward::kLse) + row,
                              .add = g > 0,
                              .first_block = static_cast<int>(share),
                              .block_step = static_cast<int>(shares_),
                              .repack = repack_,
                              .panels = panels_.data(),
                              .panel_count = static_cast<int>(panels_.size())};
    if (dq_shares_.size() > 0) {
      task_of_head.dq = {dq_shares_.as<float>() + share * query_floats() + row * shape_.d,
                         shape_.d};
    } else {
      task_of_head.dq = {operands.get<float>(backward::kDQ) + q, stride};
    }
    if (dk_dv_.size() > 0) {
      float* dk = dk_dv_.as<float>() + key_head * shape_.n * shape_.d;
      task_of_head.dk = {dk, shape_.d};
      task_of_head.dv = {dk + key_floats(), shape_.d};
    } else {
      task_of_head.dk = {operands.get<float>(backward::kDK) + k, shape_.key_stride()};
      task_of_head.dv = {operands.get<float>(backward::kDV) + k, shape_.key_stride()};
    }
    head_(task_of_head, workspace_.as<float>() + omp_get_thread_num() * workspace_floats_);
  }

  void finish_query_row(const Operands& operands, std::int64_t row) const {
    const std::int64_t head = row / shape_.m;
    const std::int64_t to = shape_.query_head(head / shape_.h, head % shape_.h) +
                            row % shape_.m * shape_.query_stride();
    finish_(dq_shares_.as<float>() + row * shape_.d, query_floats(), shares_, shape_.d, dtype_,
            at(dtype_, operands.get<void>(backward::kDQ), to));
  }

  void finish_key_row(const Operands& operands, std::int64_t row) const {
    const std::int64_t head = row / shape_.n;
    const std::int64_t to = shape_.key_head(head / shape_.hkv, head % shape_.hkv) +
                            row % shape_.n * shape_.key_stride();
    float* dk = dk_dv_.as<float>() + row * shape_.d;
    finish_(dk, 0, 1, shape_.d, dtype_, at(dtype_, operands.get<void>(backward::kDK), to));
    finish_(dk + key_floats(), 0, 1, shape_.d, dtype_,
            at(dtype_, operands.get<void>(backward::kDV), to));
  }

  Shape shape_;
  Dtype dtype_;
  int threads_;
  bool repack_;
  decltype(&scalar::backward_head) head_;
  decltype(&scalar::finish_row) finish_;
  std::vector<PanelShape> panels_;
  std::int64_t shares_ = 1;
  std::int64_t workspace_floats_ = 0;
  Buffer workspace_;
  Buffer dq_shares_;  // where a share is not all of dQ, or dQ not in floats
  Buffer dk_dv_;      // where they are not in floats
};

// Q, dO and dQ (read and written) once per block of keys as floats, all operands once as they are.
double bytes_algorithm(const Problem& problem) {
  const Shape s(problem);
  const double blocks = s.visible_pairs() / static_cast<double>(s.m) / kBackwardKeys;
  const double rows = static_cast<double>(s.b * s.h * s.m) * s.d;
  const double keys = static_cast<double>(s.b * s.hkv * s.n) * s.d;
  return 16 * rows * blocks + static_cast<double>(size_of(problem.dtype)) * (2 * rows + 4 * keys);
}

Variant flash(const char* name, Isa isa, bool repack, const char* summary, const char* paper) {
  return {.op = "attention_backward",
          .name = name,
          .isa = isa,
          .dtypes = {Dtype::kF32, Dtype::kBf16, Dtype::kF16},
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
