#include "suites/attention/mutants.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace sb::attention {
namespace {

constexpr std::int64_t kMutantTile = 16;  // keys between two rescales

enum class Bug {
  kNone,
  kNoRescale,
  kInvertedRescale,
  kNoMaskOnDiagonal,
  kWrongKeyHead,
  kLastTileSkipped,
  kStaleLse,
  kUniform,
  kUnscaled,
  kPastContext,
};

double dot(const Head& head, std::int64_t row, std::int64_t key) {
  double sum = 0;
  for (int c = 0; c < head.d; ++c) {
    sum += load_as_double(head.dtype, head.q.data, row * head.q.stride + c) *
           load_as_double(head.dtype, head.k.data, key * head.k.stride + c);
  }
  return sum;
}

// The online algorithm over tiles, with `bug`; writes the row of O, returns its log-sum-exp.
double attend_row(const Head& head, std::int64_t row, Bug bug) {
  const double scale = bug == Bug::kUnscaled ? 1 : 1 / std::sqrt(static_cast<double>(head.d));
  std::int64_t keys = visible_keys(row, head.diagonal, head.n);
  if (bug == Bug::kNoMaskOnDiagonal && keys > 0) {
    keys = std::min(head.n, (keys + kMutantTile - 1) / kMutantTile * kMutantTile);
  }
  if (bug == Bug::kLastTileSkipped)
    keys = std::max<std::int64_t>(keys - 1, 0) / kMutantTile * kMutantTile;
  double top = -std::numeric_limits<double>::infinity();
  double sum = 0;
  double stale = top;
  std::vector<double> o(static_cast<std::size_t>(head.d), 0);
  for (std::int64_t first = 0; first < keys; first += kMutantTile) {
    const std::int64_t end = std::min(keys, first + kMutantTile);
    std::vector<double> s;
    for (std::int64_t j = first; j < end; ++j) {
      s.push_back(bug == Bug::kUniform ? 0 : scale * dot(head, row, j));
    }
    const double tile_top = *std::max_element(s.begin(), s.end());
    const double next = std::max(top, tile_top);
    double factor = first == 0 ? 0 : std::exp(top - next);
    if (bug == Bug::kNoRescale) factor = 1;
    sum *= factor;
    if (bug == Bug::kInvertedRescale && factor != 0) factor = 1 / factor;
    for (double& x : o) x *= factor;
    for (std::int64_t j = first; j < end; ++j) {
      const double w = std::exp(s[static_cast<std::size_t>(j - first)] - next);
      sum += w;
      for (int c = 0; c < head.d; ++c) {
        o[static_cast<std::size_t>(c)] +=
            w * load_as_double(head.dtype, head.v.data, j * head.v.stride + c);
      }
    }
    top = next;
    if (first == 0) stale = top + std::log(sum);
  }
  for (int c = 0; c < head.d; ++c) {
    const double value = sum == 0 ? 0 : o[static_cast<std::size_t>(c)] / sum;
    store_from_double(head.dtype, head.o.data, row * head.o.stride + c, value);
  }
  return bug == Bug::kStaleLse ? stale : top + std::log(sum);
}

void attend_all(const Problem& p, const Operands& operands, Bug bug, bool lse) {
  const Shape s(p);
  for (std::int64_t batch = 0; batch < s.b; ++batch) {
    for (std::int64_t head = 0; head < s.h; ++head) {
      Head view = head_of(s, p.dtype, operands, batch, head);
      if (bug == Bug::kPastContext) view.n = view.diagonal = s.n;
      if (bug == Bug::kWrongKeyHead) {  // heads dealt out in turn, not in groups
        const std::int64_t at_head = s.key_head(batch, head % s.hkv);
        view.k.data = at(p.dtype, operands.get<const void>(forward::kK), at_head);
        view.v.data = at(p.dtype, operands.get<const void>(forward::kV), at_head);
      }
      for (std::int64_t i = 0; i < s.m; ++i) {
        const double l = attend_row(view, i, bug);
        if (lse) {
          operands.get<float>(forward::kLse)[(batch * s.h + head) * s.m + i] =
              static_cast<float>(l);
        }
      }
    }
  }
}

Mutant forward_bug(const char* name, Bug bug) {
  return {name, [bug](const Problem& p, const Operands& operands) {
            attend_all(p, operands, bug, p.params.flag("lse"));
          }};
}

Mutant decode_bug(const char* name, Bug bug) {
  return {name, [bug](const Problem& p, const Operands& operands) {
            attend_all(p, operands, bug, false);
          }};
}

}  // namespace

std::vector<Mutant> forward_mutants() {
  return {forward_bug("missing rescale", Bug::kNoRescale),
          forward_bug("inverted rescale factor", Bug::kInvertedRescale),
          forward_bug("missing mask on the diagonal tile", Bug::kNoMaskOnDiagonal),
          forward_bug("wrong GQA head", Bug::kWrongKeyHead),
          forward_bug("last tile skipped", Bug::kLastTileSkipped),
          forward_bug("stale log-sum-exp", Bug::kStaleLse),
          forward_bug("uniform weights", Bug::kUniform),
          forward_bug("scores not scaled", Bug::kUnscaled)};
}

std::vector<Mutant> decode_mutants() {
  return {decode_bug("missing rescale", Bug::kNoRescale),
          decode_bug("inverted rescale factor", Bug::kInvertedRescale),
          decode_bug("keys past a short context", Bug::kPastContext),
          decode_bug("wrong GQA head", Bug::kWrongKeyHead),
          decode_bug("last tile skipped", Bug::kLastTileSkipped),
          decode_bug("uniform weights", Bug::kUniform),
          decode_bug("scores not scaled", Bug::kUnscaled)};
}

}  // namespace sb::attention
