// flash2: FlashAttention-2 forward (arXiv 2307.08691, algorithm 1, with the rescale factor
// multiplied and not divided by: the printed power of -1 is wrong). Query rows are split over the
// threads, keys are never; scores and weights live in a tile of 24 KiB.
#include "suites/attention/flash2.h"

#include <omp.h>

#include <cstring>
#include <utility>

#include "core/phase.h"
#include "core/registry.h"

#define SB_ISA_WITH_BF16
#define SB_ISA_WITH_AMX
#define SB_ISA_FILE "suites/attention/flash2-inl.h"
#include "suites/attention/for_each_isa.h"

namespace sb::attention {

FlashGroup flash_group(Isa isa, Arithmetic arithmetic) {
#if defined(__x86_64__)
  if (arithmetic == Arithmetic::kBf16Dot) return avx512_dot::flash_group_bf16;
  if (arithmetic == Arithmetic::kBf16Tile) return amx::flash_group_tiles;
#endif
  return SB_FOR_ISA(isa, flash_group_f32);
}

std::int64_t flash_workspace_floats(int d, int key_block, int lanes) {
  const std::int64_t width = kPanelVectors * lanes;
  const std::int64_t padded_d = Arena::padded(d);
  return Arena::padded(key_block * width) + Arena::padded(key_block * padded_d) +
         Arena::padded(key_block * value_row_floats(d)) + Arena::padded(lanes * padded_d) +
         kGroupPanels * (2 * Arena::padded(padded_d * width) + 2 * Arena::padded(width));
}

namespace {

// Matrix tiles have 16 columns: a rest of rows gets a whole register too.
std::vector<PanelShape> panels_for(std::int64_t m, Isa isa, Arithmetic arithmetic) {
  if (isa == Isa::kAvx512 && arithmetic == Arithmetic::kFloat) return plan_panels_with_pairs(m);
  std::vector<PanelShape> panels = plan_panels(m, lanes_of(isa));
  if (isa == Isa::kAmx && !panels.empty()) {
    panels.back().vectors = std::max(panels.back().vectors, 1);
  }
  return panels;
}

// Keys per block. The tile of scores stays in L1 with the panel's queries; the dot product takes
// twice as many, because it goes through them twice as fast. Panels of pairs go over a block's
// values once for every four rows: with fewer keys they stay in L1 too.
int key_block_for(Arithmetic arithmetic, const std::vector<PanelShape>& panels) {
  if (arithmetic == Arithmetic::kBf16Dot) return 256;
  return panels.size() == 1 && panels[0].pairs > 0 ? 64 : 128;
}

// Keys and values of one head side by side, for a thread that meets them with several groups. Where
// heads alternate within a row (layout bnhd), a head's rows lie on so many pages that every group
// walks through the TLB for all of them. Ice Lake, one thread, 2026-11-29, 1024 keys: 8 heads of
// 128 (2048 pages) took 62.7 ms in place of 44.3, 8 of 64 (1024) 25.2 for 21.3, 2 of 128 (512) 43.2
// for 41.2; with the copy they take 50.0 (contiguous 50.7 in that run), 21.7 and 39.8.
class PackedHead {
 public:
  // Bytes for one thread, 0 where rows stay where they are: they lie close enough, only one group
  // would meet the copy, or it would not stay in the second or third level.
  static std::int64_t bytes_for(const Shape& shape, Dtype dtype, std::int64_t groups) {
    constexpr std::int64_t kPageBytes = 4096;
    constexpr std::int64_t kManyPages = 256;  // four times the first-level TLB's 64
    constexpr std::int64_t kMost = 4 << 20;
    const auto size = static_cast<std::int64_t>(size_of(dtype));
    const std::int64_t pages = 2 * shape.n * shape.key_stride() * size / kPageBytes;
    const std::int64_t bytes = 2 * shape.n * shape.d * size;
    const bool pays = groups > 1 && shape.key_stride() > shape.d && pages > kManyPages;
    return pays && bytes <= kMost ? bytes : 0;
  }

  explicit PackedHead(std::byte* memory) : memory_(memory) {}

  // `view` with its keys and values in here. `key_head` numbers the heads of all sequences.
  void put(Head& view, std::int64_t key_head) {
    const std::int64_t row = view.d * static_cast<std::int64_t>(size_of(view.dtype));
    std::byte* values = memory_ + view.n * row;
    if (key_head != key_head_) {
      copy(view.k, view, row, memory_);
      copy(view.v, view, row, values);
      key_head_ = key_head;
    }
    view.k = {memory_, view.d};
    view.v = {values, view.d};
  }

 private:
  static void copy(const Rows<const void*>& from, const Head& view, std::int64_t row,
                   std::byte* to) {
    const std::int64_t apart = from.stride * static_cast<std::int64_t>(size_of(view.dtype));
    const auto* source = static_cast<const std::byte*>(from.data);
    for (std::int64_t j = 0; j < view.n; ++j) {
      std::memcpy(to + j * row, source + j * apart, static_cast<std::size_t>(row));
    }
  }

  std::byte* memory_;
  std::int64_t key_head_ = -1;
};

class Flash2 final : public Kernel {
 public:
  Flash2(const Problem& problem, Isa isa, Arithmetic arithmetic)
      : shape_(problem),
        dtype_(problem.dtype),
        lse_(problem.params.flag("lse")),
        threads_(problem.threads),
        group_(flash_group(isa, arithmetic)),
        panels_(panels_for(shape_.m, isa, arithmetic)),
        key_block_(key_block_for(arithmetic, panels_)) {
    const auto panels = static_cast<std::int64_t>(panels_.size());
    const std::int64_t heads = shape_.b * shape_.h;
    // As many groups as panels fill, or as threads need.
    const std::int64_t wanted = (threads_ + heads - 1) / heads;
    groups_ = std::min(panels, std::max(wanted, (panels + kGroupPanels - 1) / kGroupPanels));
    workspace_floats_ = flash_workspace_floats(shape_.d, key_block_, lanes_of(isa));
    workspace_ = Buffer(static_cast<std::size_t>(workspace_floats_ * threads_) * sizeof(float));
    packed_bytes_ = PackedHead::bytes_for(shape_, dtype_, groups_);
    packed_ = Buffer(static_cast<std::size_t>(packed_bytes_ * threads_));
  }

  void run(const Operands& operands) override {
    const std::int64_t tasks = shape_.b * shape_.h * groups_;
#pragma omp parallel num_threads(threads_)
    {
      const int me = omp_get_thread_num();
      float* workspace = workspace_.as<float>() + me * workspace_floats_;
      PackedHead packed(packed_.as<std::byte>() + me * packed_bytes_);
      // Under a causal mask the last rows of a head have most to do: they go first.
#pragma omp for schedule(dynamic, 1)
      for (std::int64_t task = 0; task < tasks; ++task) {
        run_group(operands, task / groups_, groups_ - 1 - task % groups_, workspace, packed);
      }
    }
  }

 private:
  void run_group(const Operands& operands, std::int64_t head, std::int64_t group, float* workspace,
                 PackedHead& packed) const {
    const Phase phase("tiles");
    const auto [begin, end] = panels_of(group);
    Head view = head_of(shape_, dtype_, operands, head / shape_.h, head % shape_.h);
    if (lse_) view.lse = operands.get<float>(forward::kLse) + head * shape_.m;
    if (packed_bytes_ > 0) packed.put(view, head / shape_.group());
    group_(view, panels_.data() + begin, static_cast<int>(end - begin), key_block_, workspace);
  }

  // Full groups from the last row on: the first group has what is left, and goes last. Groups of
  // equal size left one of two threads 2 % more to do than the other at 22 panels and two heads.
  std::pair<std::int64_t, std::int64_t> panels_of(std::int64_t group) const {
    const auto panels = static_cast<std::int64_t>(panels_.size());
    if (groups_ * kGroupPanels < panels + kGroupPanels) {
      const std::int64_t end = panels - (groups_ - 1 - group) * kGroupPanels;
      return {std::max<std::int64_t>(end - kGroupPanels, 0), end};
    }
    return {group * panels / groups_, (group + 1) * panels / groups_};
  }

  Shape shape_;
  Dtype dtype_;
  bool lse_;
  int threads_;
  FlashGroup group_;
  std::vector<PanelShape> panels_;
  int key_block_;
  std::int64_t groups_;
  std::int64_t workspace_floats_;
  Buffer workspace_;
  std::int64_t packed_bytes_ = 0;  // of one thread
  Buffer packed_;
};

std::string why_not_dot(const Problem& problem) {
  if (problem.dtype != Dtype::kBf16) return "";
  const Shape s(problem);
  if (s.d % 2 != 0 || s.row % 2 != 0) return "the bf16 dot product needs an even head size";
  return "";
}

Arithmetic arithmetic_for(const Problem& problem, Isa isa, bool widen) {
  if (isa == Isa::kAmx) return Arithmetic::kBf16Tile;
  const bool dot = !widen && problem.dtype == Dtype::kBf16 && isa == Isa::kAvx512 &&
                   cpu_has(CpuFeature::kAvx512Bf16) && why_not_dot(problem).empty();
  return dot ? Arithmetic::kBf16Dot : Arithmetic::kFloat;
}

// Keys and values are read once per group of panels.
double bytes_algorithm(const Problem& problem, Isa isa) {
  const Shape s(problem);
  const auto panels =
      static_cast<std::int64_t>(panels_for(s.m, isa, arithmetic_for(problem, isa, false)).size());
  const std::int64_t groups = (panels + kGroupPanels - 1) / kGroupPanels;
  const double seen = s.visible_pairs() / static_cast<double>(s.m * s.n);
  const double rows = 2.0 * static_cast<double>(s.b * s.h * s.m) * s.d;
  const double keys = 2.0 * static_cast<double>(s.b * s.h * groups * s.n) * s.d * seen;
  return (rows + keys) * static_cast<double>(size_of(problem.dtype));
}

Variant flash2(Isa isa) {
  return {.op = "attention",
          .name = "flash2",
          .isa = isa,
          .dtypes = {Dtype::kF32, Dtype::kBf16, Dtype::kF16},
          .summary = "tiles in cache, query rows over threads; bf16 by dot product where present",
          .paper = "arXiv:2307.08691 algorithm 1",
          .bytes_algorithm = [isa](const Problem& p) { return bytes_algorithm(p, isa); },
          .make = [isa](const Problem& p) -> std::unique_ptr<Kernel> {
            return std::make_unique<Flash2>(p, isa, arithmetic_for(p, isa, false));
          }};
}

Variant flash2_widen(Isa isa) {
  Variant v = flash2(isa);
  v.name = "flash2_widen";
  v.dtypes = {Dtype::kBf16};
  v.summary = "flash2 with bf16 keys and values widened to f32 block by block, no dot product";
  v.make = [isa](const Problem& p) -> std::unique_ptr<Kernel> {
    return std::make_unique<Flash2>(p, isa, arithmetic_for(p, isa, true));
  };
  return v;
}

Variant flash2_in_tiles() {
  Variant v = flash2(Isa::kAmx);
  v.dtypes = {Dtype::kBf16};
  v.summary = "flash2 with both products in matrix tiles of bf16";
  v.why_not = why_not_dot;
  return v;
}

const Registration scalar_form{flash2(Isa::kScalar)};
const Registration avx2_form{flash2(Isa::kAvx2)};
const Registration avx512_form{flash2(Isa::kAvx512)};
const Registration avx512_widen{flash2_widen(Isa::kAvx512)};
const Registration amx_form{flash2_in_tiles()};

}  // namespace
}  // namespace sb::attention
