#include "report/roofs.h"

namespace sb {
namespace {

bool stands_over(const Roof& roof, const std::string& device) {
  return roof.device.empty() || (roof.device == "cuda") == (device == "cuda");
}

}  // namespace

int threads_of(const Row& row) {
  return row.device == "cuda" ? 1 : static_cast<int>(row.threads.value_or(1));
}

const Roof* flop_roof_of(const Row& row, const Peaks& peaks) {
  const Roof* best = nullptr;
  for (const Roof& roof : peaks.roofs) {
    if (!roof.is_flops || roof.threads != threads_of(row)) continue;
    if (!stands_over(roof, row.device)) continue;
    if (row.isa != "native" && roof.isa != row.isa) continue;
    const bool wide = row.dtype == "f64";
    const bool fits = roof.dtype == row.dtype || roof.dtype == (wide ? "f64" : "f32");
    if (fits && (best == nullptr || roof.value > best->value)) best = &roof;
  }
  return best;
}

const Roof* bandwidth_roof_of(const Peaks& peaks, const std::string& device,
                              const std::string& level, int threads, bool non_temporal) {
  const Roof* best = nullptr;
  for (const Roof& roof : peaks.roofs) {
    if (roof.is_flops || roof.level != level || roof.threads != threads) continue;
    if (!stands_over(roof, device)) continue;
    if (roof.kind.ends_with("_nt") != non_temporal || roof.kind.starts_with("write")) continue;
    if (best == nullptr || roof.value > best->value) best = &roof;
  }
  return best;
}

}  // namespace sb
