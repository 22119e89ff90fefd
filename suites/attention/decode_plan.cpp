#include <algorithm>

#include "suites/attention/decode.h"

namespace sb::attention {
namespace {

std::int64_t tiles_of(std::int64_t keys, std::int64_t tile) { return (keys + tile - 1) / tile; }

}  // namespace

std::int64_t decode_tile(int d) { return d <= 64 ? 256 : 128; }

std::vector<KeyRange> plan_unsplit(const Shape& shape) {
  std::vector<KeyRange> ranges;
  for (std::int64_t head = 0; head < shape.b * shape.hkv; ++head) {
    ranges.push_back({.head = head, .end = shape.context(head / shape.hkv)});
  }
  return ranges;
}

int split_count(std::int64_t heads, int workers, std::int64_t tiles) {
  if (static_cast<double>(heads) >= 0.8 * workers) return 1;
  const auto most = static_cast<int>(std::min<std::int64_t>({128, tiles}));
  const auto efficiency = [&](int splits) {
    const double waves = static_cast<double>(heads) * splits / workers;
    return waves / std::ceil(waves);
  };
  double best = 0;
  for (int s = 1; s <= most; ++s) best = std::max(best, efficiency(s));
  for (int s = 1; s <= most; ++s) {
    if (efficiency(s) >= 0.85 * best) return s;
  }
  return 1;
}

std::vector<KeyRange> plan_split(const Shape& shape, int workers) {
  const std::int64_t tile = decode_tile(shape.d);
  const int splits = split_count(shape.b * shape.hkv, workers, tiles_of(shape.n, tile));
  std::vector<KeyRange> ranges;
  for (std::int64_t head = 0; head < shape.b * shape.hkv; ++head) {
    const std::int64_t keys = shape.context(head / shape.hkv);
    const std::int64_t chunk = tiles_of(tiles_of(keys, tile), splits) * tile;
    for (std::int64_t first = 0; first < keys; first += chunk) {
      ranges.push_back({.head = head, .first = first, .end = std::min(keys, first + chunk)});
    }
  }
  return ranges;
}

std::vector<KeyRange> plan_lean(const Shape& shape, int workers) {
  const std::int64_t tile = decode_tile(shape.d);
  std::int64_t total = 0;
  for (std::int64_t head = 0; head < shape.b * shape.hkv; ++head) {
    total += tiles_of(shape.context(head / shape.hkv), tile);
  }
  // The first total % workers workers have a tile more.
  const auto end_of = [&](int worker) {
    return (worker + 1) * (total / workers) + std::min<std::int64_t>(worker + 1, total % workers);
  };
  std::vector<KeyRange> ranges;
  std::int64_t begin = 0;  // of the head, on the line of tiles
  int worker = 0;
  for (std::int64_t head = 0; head < shape.b * shape.hkv; ++head) {
    const std::int64_t keys = shape.context(head / shape.hkv);
    const std::int64_t end = begin + tiles_of(keys, tile);
    for (std::int64_t at = begin; at < end;) {
      while (end_of(worker) <= at) ++worker;
      const std::int64_t stop = std::min(end, end_of(worker));
      ranges.push_back({.head = head,
                        .first = (at - begin) * tile,
                        .end = std::min(keys, (stop - begin) * tile),
                        .worker = worker});
      at = stop;
    }
    begin = end;
  }
  return ranges;
}

}  // namespace sb::attention
