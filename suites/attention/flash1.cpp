// flash1: the loop order of the first FlashAttention (arXiv 2205.14135, algorithm 1) with the same
// tiles: keys outside, queries inside, O normalised after every block, one task per head. What
// flash2 gained by turning the loops round is the ratio of the two.
#include <omp.h>

#include "core/phase.h"
#include "core/registry.h"
#include "suites/attention/flash2.h"

#define SB_ISA_FILE "suites/attention/flash1-inl.h"
#include "suites/attention/for_each_isa.h"

namespace sb::attention {
namespace {

constexpr int kKeyBlock = 128;

class Flash1 final : public Kernel {
 public:
  Flash1(const Problem& problem, Isa isa)
      : shape_(problem),
        lse_(problem.params.flag("lse")),
        threads_(problem.threads),
        head_(SB_FOR_ISA(isa, flash1_head)),
        panels_(plan_panels(shape_.m, lanes_of(isa))) {
    for (const PanelShape& panel : panels_) rows_ += panel.width(lanes_of(isa));
    rows_ = Arena::padded(rows_);
    tile_floats_ = flash_workspace_floats(shape_.d, kKeyBlock, lanes_of(isa));
    const std::int64_t floats = tile_floats_ + 2 * rows_;
    workspace_ = Buffer(static_cast<std::size_t>(floats * threads_) * sizeof(float));
  }

  void run(const Operands& operands) override {
#pragma omp parallel num_threads(threads_)
    {
      float* tiles = workspace_.as<float>() + omp_get_thread_num() * (tile_floats_ + 2 * rows_);
      float* max = tiles + tile_floats_;
#pragma omp for schedule(dynamic, 1)
      for (std::int64_t head = 0; head < shape_.b * shape_.h; ++head) {
        const Phase phase("tiles");
        Head view = head_of(shape_, Dtype::kF32, operands, head / shape_.h, head % shape_.h);
        if (lse_) view.lse = operands.get<float>(forward::kLse) + head * shape_.m;
        head_(view, panels_.data(), static_cast<int>(panels_.size()), kKeyBlock, tiles, max,
              max + rows_);
      }
    }
  }

 private:
  Shape shape_;
  bool lse_;
  int threads_;
  decltype(&scalar::flash1_head) head_;
  std::vector<PanelShape> panels_;
  std::int64_t rows_ = 0;
  std::int64_t tile_floats_ = 0;
  Buffer workspace_;
};

// Q is read, O read and written once per block of keys.
double bytes_algorithm(const Problem& problem) {
  const Shape s(problem);
  const double blocks = s.visible_pairs() / static_cast<double>(s.m) / kKeyBlock;
  const double rows = 3.0 * static_cast<double>(s.b * s.h * s.m) * s.d * blocks;
  const double keys = 2.0 * static_cast<double>(s.b * s.h * s.n) * s.d;
  return 4 * (rows + keys);
}

Variant flash1(Isa isa) {
  return {.op = "attention",
          .name = "flash1",
          .isa = isa,
          .summary =
              "flash2's tiles in the order of the first paper: keys outside, O normalised "
              "per block, one task per head",
          .paper = "arXiv:2205.14135 algorithm 1",
          .bytes_algorithm = bytes_algorithm,
          .make = [isa](const Problem& p) -> std::unique_ptr<Kernel> {
            return std::make_unique<Flash1>(p, isa);
          }};
}

const Registration scalar_form{flash1(Isa::kScalar)};
const Registration avx2_form{flash1(Isa::kAvx2)};
const Registration avx512_form{flash1(Isa::kAvx512)};

}  // namespace
}  // namespace sb::attention
