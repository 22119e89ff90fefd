// attention_decode in four ways to spread contexts over threads, each with the query group packed
// (one read of keys and values for all of its heads) and unpacked (one read for each):
//   unsplit      one task per key head, the whole context
//   split_kv     Flash-Decoding: every context in s chunks, merged in a second step
//   lean         LeanAttention (arXiv 2405.10480): one line of tiles cut evenly, owners merge
//   unified_max  FlashDecoding++ (arXiv 2311.01282): split_kv with one maximum fixed beforehand;
//                rows whose largest score strays from it are done again by the online rule
#include "suites/attention/decode.h"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <type_traits>

#include "core/buffer.h"
#include "core/phase.h"
#include "core/processor.h"
#include "core/registry.h"

#define SB_ISA_WITH_BF16
#define SB_ISA_FILE "suites/attention/decode-inl.h"
#include "suites/attention/for_each_isa.h"

namespace sb::attention {
namespace {

enum class Split { kUnsplit, kSplitKv, kLean, kUnifiedMax };

std::vector<KeyRange> plan(const Shape& shape, Split split, int workers) {
  if (split == Split::kUnsplit) return plan_unsplit(shape);
  if (split == Split::kLean) return plan_lean(shape, workers);
  return plan_split(shape, workers);
}

using Attend = decltype(&scalar::decode_part);

// bf16 by the dot product where there is one. A row on its own is bound by its reads: from memory
// 29 GB/s with every line read in two halves and widened, 22 with whole lines for the dot product;
// from the last level the dot product reads 1.28 times as fast (Zen 4, 2026-11-29).
Attend attend_for(Isa isa, Dtype dtype, [[maybe_unused]] bool row_from_memory) {
#if defined(__x86_64__)
  const bool dot = isa == Isa::kAvx512 && dtype == Dtype::kBf16 && !row_from_memory;
  if (dot && cpu_has(CpuFeature::kAvx512Bf16)) return avx512_dot::decode_part;
#endif
  return SB_FOR_ISA(isa, decode_part);
}

std::int64_t key_bytes(const Shape& shape, Dtype dtype) {
  std::int64_t keys = 0;
  for (std::int64_t batch = 0; batch < shape.b; ++batch) keys += shape.context(batch);
  return 2 * shape.hkv * keys * shape.d * static_cast<std::int64_t>(size_of(dtype));
}

// Bytes of keys and values that come from memory again: more than half of a last level that others
// use as well, as measured with 32 MiB; a larger one is shared by more.
double beyond_caches() {
  constexpr double kMost = 16 << 20;
  const double known = cache_bytes(3);
  return known > 0 ? std::min(kMost, known / 2) : kMost;
}

class Decode final : public Kernel {
 public:
  Decode(const Problem& problem, Isa isa, Split split, bool packed)
      : shape_(problem),
        dtype_(problem.dtype),
        threads_(problem.threads),
        split_(split),
        packed_(packed),
        block_(static_cast<int>(problem.params.integer("rescale"))),
        from_memory_(static_cast<double>(key_bytes(shape_, dtype_)) > beyond_caches()),
        attend_(attend_for(isa, dtype_, from_memory_ && (!packed || shape_.group() == 1))),
        ranges_(plan(shape_, split, threads_)),
        done_(ranges_.size()) {
    for (std::size_t i = 0; i < ranges_.size(); ++i) {
      if (i == 0 || ranges_[i].head != ranges_[i - 1].head) first_range_.push_back(i);
    }
    first_range_.push_back(ranges_.size());
    const std::int64_t rows = static_cast<std::int64_t>(ranges_.size()) * shape_.group();
    partials_ = Buffer(static_cast<std::size_t>(rows * (3 + padded_d())) * sizeof(float));
    workspace_floats_ = Arena::padded(shape_.group() * padded_d()) +
                        Arena::padded(block_ * kDecodeRows + lanes_of(isa));
    workspace_ = Buffer(static_cast<std::size_t>(workspace_floats_ * threads_) * sizeof(float));
  }

  void run(const Operands& operands) override {
    fallbacks_ = 0;
    split_ == Split::kLean ? run_lean(operands) : run_in_two_steps(operands);
  }

  std::vector<Metric> metrics() const override {
    if (split_ != Split::kUnifiedMax) return {};
    return {{.name = "fallback_rate",
             .value = static_cast<double>(fallbacks_) / static_cast<double>(shape_.b * shape_.h),
             .source = "counted"}};
  }

 private:
  std::int64_t padded_d() const { return Arena::padded(shape_.d); }
  std::int64_t heads() const { return shape_.b * shape_.hkv; }
  float* workspace() const {
    return workspace_.as<float>() + omp_get_thread_num() * workspace_floats_;
  }

  void run_in_two_steps(const Operands& operands) {
    const auto ranges = static_cast<std::int64_t>(ranges_.size());
#pragma omp parallel num_threads(threads_)
    {
#pragma omp for schedule(dynamic, 1)
      for (std::int64_t i = 0; i < ranges; ++i) attend(operands, static_cast<std::size_t>(i));
#pragma omp for schedule(dynamic, 1)
      for (std::int64_t head = 0; head < heads(); ++head) finish(operands, head);
    }
  }

  // Who has a head's first tile waits for the others that have some of it. Nobody waits before its
  // own ranges are done, so a team smaller than asked for cannot lock itself up.
  void run_lean(const Operands& operands) {
    for (auto& flag : done_) flag.store(false, std::memory_order_relaxed);
#pragma omp parallel num_threads(threads_)
    {
      const int me = omp_get_thread_num();
      const int team = omp_get_num_threads();
      for (std::size_t i = 0; i < ranges_.size(); ++i) {
        if (ranges_[i].worker % team != me) continue;
        attend(operands, i);
        done_[i].store(true, std::memory_order_release);
      }
      for (std::int64_t head = 0; head < heads(); ++head) {
        const std::size_t first = first_range_[static_cast<std::size_t>(head)];
        if (ranges_[first].worker % team != me) continue;
        for (std::size_t i = first; i < first_range_[static_cast<std::size_t>(head) + 1]; ++i) {
          while (!done_[i].load(std::memory_order_acquire)) std::this_thread::yield();
        }
        finish(operands, head);
      }
    }
  }

  // The group's query heads are the rows.
  Head group_head(const Operands& operands, std::int64_t head) const {
    Head view =
        head_of(shape_, dtype_, operands, head / shape_.hkv, head % shape_.hkv * shape_.group());
    view.q.stride = view.o.stride = shape_.row;
    view.diagonal = view.n;
    return view;
  }

  Partial partial(std::size_t range) const {
    const std::int64_t group = shape_.group();
    const auto i = static_cast<std::int64_t>(range);
    const std::int64_t rows = static_cast<std::int64_t>(ranges_.size()) * group;
    float* base = partials_.as<float>();
    float* statistics = base + rows * padded_d();
    return {.max = statistics + i * group,
            .sum = statistics + rows + i * group,
            .o = base + i * group * padded_d(),
            .stride = padded_d()};
  }
  float* tops(std::size_t range) const {
    const std::int64_t rows = static_cast<std::int64_t>(ranges_.size()) * shape_.group();
    return partials_.as<float>() + rows * (padded_d() + 2) +
           static_cast<std::int64_t>(range) * shape_.group();
  }

  void attend(const Operands& operands, std::size_t i) const {
    const Phase phase("tiles");
    const KeyRange& range = ranges_[i];
    const DecodePart part{.head = group_head(operands, range.head),
                          .first = range.first,
                          .end = range.end,
                          .end_row = shape_.group(),
                          .packed = packed_,
                          .from_memory = from_memory_,
                          .block = block_,
                          .top = split_ == Split::kUnifiedMax ? tops(i) : nullptr,
                          .out = partial(i)};
    attend_(part, workspace());
  }

  // Merges the parts of a head into the first, divides, writes.
  void finish(const Operands& operands, std::int64_t head) {
    const Phase phase("merge");
    const std::size_t first = first_range_[static_cast<std::size_t>(head)];
    const Partial all = partial(first);
    for (std::size_t i = first + 1; i < first_range_[static_cast<std::size_t>(head) + 1]; ++i) {
      merge(all, partial(i), shape_.group(), shape_.d);
    }
    const Head view = group_head(operands, head);
    if (split_ == Split::kUnifiedMax) redo_strayed_rows(view, head, all);
    for (std::int64_t r = 0; r < shape_.group(); ++r) write_row(view, r, all);
  }

  void redo_strayed_rows(const Head& view, std::int64_t head, const Partial& all) {
    const std::size_t first = first_range_[static_cast<std::size_t>(head)];
    const std::size_t end = first_range_[static_cast<std::size_t>(head) + 1];
    for (std::int64_t r = 0; r < shape_.group(); ++r) {
      float top = kNothingYet;
      for (std::size_t i = first; i < end; ++i) top = std::max(top, tops(i)[r]);
      if (std::abs(top - kUnifiedMax) <= kUnifiedReach) continue;
      ++fallbacks_;
      attend_({.head = view,
               .end = view.n,
               .first_row = r,
               .end_row = r + 1,
               .block = block_,
               .out = all},
              workspace());
    }
  }

  void write_row(const Head& view, std::int64_t r, const Partial& all) const {
    const float factor = all.sum[r] == 0 ? 0 : 1 / all.sum[r];
    for (int c = 0; c < shape_.d; ++c) {
      const float value = factor * all.o[r * all.stride + c];
      const std::int64_t at = r * view.o.stride + c;
      if (dtype_ == Dtype::kF32) {
        static_cast<float*>(view.o.data)[at] = value;
      } else {
        static_cast<std::uint16_t*>(view.o.data)[at] =
            dtype_ == Dtype::kBf16 ? float_to_bf16(value) : float_to_f16(value);
      }
    }
  }

  Shape shape_;
  Dtype dtype_;
  int threads_;
  Split split_;
  bool packed_;
  int block_;
  bool from_memory_;
  Attend attend_;
  std::vector<KeyRange> ranges_;
  std::vector<std::size_t> first_range_;  // per head, and one past the last
  std::vector<std::atomic<bool>> done_;
  std::atomic<std::int64_t> fallbacks_ = 0;
  Buffer partials_;
  std::int64_t workspace_floats_ = 0;
  Buffer workspace_;
};

// Keys and values once, or once per query head; parts of rows out and in again.
double bytes_algorithm(const Problem& problem, Split split, bool packed) {
  const Shape s(problem);
  const double reads = packed ? 1 : static_cast<double>(s.group());
  const double parts = static_cast<double>(plan(s, split, problem.threads).size());
  const auto size = static_cast<double>(size_of(problem.dtype));
  return static_cast<double>(key_bytes(s, problem.dtype)) * reads +
         2 * static_cast<double>(s.b * s.h) * s.d * size +
         8 * parts * static_cast<double>(s.group()) * (s.d + 2);
}

Variant decode(const char* name, Isa isa, Split split, bool packed, const char* summary,
               const char* paper) {
  return {
      .op = "attention_decode",
      .name = packed ? name : std::string(name) + "_unpacked",
      .isa = isa,
      .dtypes = {Dtype::kF32, Dtype::kBf16, Dtype::kF16},
      .summary = packed ? std::string(summary) : std::string(summary) + ", a read per query head",
      .paper = paper,
      .bytes_algorithm = [=](const Problem& p) { return bytes_algorithm(p, split, packed); },
      .make = [=](const Problem& p) -> std::unique_ptr<Kernel> {
        return std::make_unique<Decode>(p, isa, split, packed);
      }};
}

struct Family {
  Family(const char* name, Split split, const char* summary, const char* paper) {
    for (const Isa isa : {Isa::kScalar, Isa::kAvx2, Isa::kAvx512}) {
      for (const bool packed : {false, true}) {
        Registration(decode(name, isa, split, packed, summary, paper), __FILE__);
      }
    }
  }
};

const Family unsplit{"unsplit", Split::kUnsplit, "one task per key head", ""};
const Family split_kv{"split_kv", Split::kSplitKv,
                      "Flash-Decoding: contexts in chunks, then a merge",
                      "Flash-Decoding (blog, October 2023)"};
const Family lean{"lean", Split::kLean, "one line of tiles cut evenly over threads, owners merge",
                  "arXiv:2405.10480"};
const Family unified_max{"unified_max", Split::kUnifiedMax,
                         "split_kv with a maximum fixed beforehand, strayed rows done again",
                         "arXiv:2311.01282"};

}  // namespace
}  // namespace sb::attention
