// Included inside a region.
// clang-format off
#include "suites/attention/stored-inl.h"
#include "suites/attention/row-inl.h"
// clang-format on

// As many rows as one visit takes of `left`: 8, 4, 2 or 1.
template <class F>
SB_INLINE int for_row_count([[maybe_unused]] std::int64_t left, F&& f) {
#if SB_ISA_SIMD > 1
  if (left >= 8) return f(std::integral_constant<int, 8>());
  if (left >= 4) return f(std::integral_constant<int, 4>());
  if (left >= 2) return f(std::integral_constant<int, 2>());
#endif
  return f(std::integral_constant<int, 1>());
}

// A block of keys for the rows [begin, end) of the part.
template <class T>
inline void visit_block(const DecodePart& part, std::int64_t first, std::int64_t begin,
                        std::int64_t end, const float* q, float* s) {
  const Head& head = part.head;
  const int count = static_cast<int>(std::min<std::int64_t>(part.block, part.end - first));
  const KeyRows<T> keys{static_cast<const T*>(head.k.data) + first * head.k.stride, head.k.stride,
                        count};
  const KeyRows<T> values{static_cast<const T*>(head.v.data) + first * head.v.stride, head.v.stride,
                          count};
  KeyRows<T> next_keys;
  if (first + 2 * count <= part.end)
    next_keys = {keys.data + count * keys.stride, keys.stride, count};
  while (begin < end) {
    const Partial rows{.max = part.out.max + begin,
                       .sum = part.out.sum + begin,
                       .o = part.out.o + begin * part.out.stride,
                       .stride = part.out.stride};
    float* top = part.top == nullptr ? nullptr : part.top + begin;
    begin += for_row_count(end - begin, [&](auto r) {
      // One row of 16-bit elements gets all that memory gives without, and from a cache a line more
      // to ask for costs more than it saves.
      const bool fetches = r() > 1 || (part.from_memory && std::is_same_v<T, float>);
      const BlockProducts<r, T> block{.q = q + begin * Arena::padded(head.d),
                                      .keys = keys,
                                      .values = values,
                                      .next_keys = next_keys,
                                      .fetches = fetches,
                                      .d = head.d};
      visit_rows(block, head.scale, s, rows, top);
      return r();
    });
  }
}

// All rows see a block before the next one comes (one read of keys and values from memory), or one
// row sees all blocks before the next row comes.
inline void decode_part(const DecodePart& part, float* workspace) {
  const Head& head = part.head;
  const std::int64_t padded_d = Arena::padded(head.d);
  Arena arena(workspace);
  float* q = arena.take(part.end_row * padded_d);
  float* s = arena.take(part.block * kDecodeRows + kLanes<Wide>);
  for (std::int64_t r = part.first_row; r < part.end_row; ++r) {
    float* row = q + r * padded_d;
    std::fill_n(row, padded_d, 0.0f);
    const void* from = element(head.dtype, head.q.data, r * head.q.stride);
    if (SB_ISA_DOT && head.dtype == Dtype::kBf16) {  // stays bf16
      std::memcpy(row, from, static_cast<std::size_t>(head.d) * sizeof(Bf16));
    } else {
      widen_row(head.dtype, from, row, head.d);
    }
    std::fill_n(part.out.o + r * part.out.stride, padded_d, 0.0f);
    part.out.max[r] = part.top == nullptr ? kNothingYet : kUnifiedMax;
    part.out.sum[r] = 0;
    if (part.top != nullptr) part.top[r] = kNothingYet;
  }
  const std::int64_t together = part.packed ? part.end_row - part.first_row : 1;
  for_stored_type(head.dtype, [&](auto* type) {
    using T = std::remove_cv_t<std::remove_pointer_t<decltype(type)>>;
    for (std::int64_t r = part.first_row; r < part.end_row; r += together) {
      for (std::int64_t j = part.first; j < part.end; j += part.block) {
        visit_block<T>(part, j, r, r + together, q, s);
      }
    }
  });
}
