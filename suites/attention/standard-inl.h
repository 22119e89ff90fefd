// Included inside a region.
// clang-format off
#include "suites/attention/softmax_rows-inl.h"
// clang-format on

// The textbook's passes over `rows` rows of scores: mask (where there is one), then softmax into
// another matrix.
inline void mask_then_softmax(float* s, float* p, std::int64_t rows, std::int64_t first_row,
                              Diagonal diagonal, std::int64_t n, float* lse) {
  for (std::int64_t r = 0; r < rows; ++r) {
    float* scores = s + r * n;
    if (diagonal < n) mask_row(scores, visible_keys(first_row + r, diagonal, n), n);
    const float l = softmax_row(scores, p + r * n, n, n);
    if (lse != nullptr) lse[r] = l;
  }
}

// The same in place and with the mask as a bound of the loop: two passes fewer.
inline void softmax_in_place(float* s, std::int64_t rows, std::int64_t first_row, Diagonal diagonal,
                             std::int64_t n, float* lse) {
  for (std::int64_t r = 0; r < rows; ++r) {
    float* scores = s + r * n;
    const float l = softmax_row(scores, scores, visible_keys(first_row + r, diagonal, n), n);
    if (lse != nullptr) lse[r] = l;
  }
}
