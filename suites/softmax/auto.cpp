// The variant that picks one of the others by size. In the second level arithmetic decides, and
// reload evaluates one exponential per element; beyond, every read counts: two_pass; and where y
// will not fit into the caches anyway, the streaming form. With half the lanes arithmetic decides
// for longer: avx2 reloads as long as one row stays in the second level, or nearly.
//
// On Intel's servers with AVX-512 the third level lies behind a mesh, and writing past it is faster
// than writing into it at every size beyond the second level: two_pass_stream took 0.96 to 0.69 of
// two_pass's time from 300,000 to 12 million columns, with avx2 0.96 to 0.81 from 700,000 on (Ice
// Lake, Emerald Rapids, configs/softmax_bars.yaml, 2026-11-29).
#include <algorithm>
#include <stdexcept>

#include "core/processor.h"
#include "core/registry.h"
#include "suites/softmax/softmax_op.h"

namespace sb::softmax {
namespace {

bool is_intel_server() { return this_processor() == Processor::kIntelServer; }

// Bytes of x and y up to which avx512 reloads: what the second level holds, where that is known,
// at most 2 MB. On Ice Lake, with 1.25 MiB, reload is ahead of two_pass by 4 % at 0.4 MB, behind it
// by 17 % at 1.6 MB.
double second_level() {
  constexpr double kMost = 2e6;
  const double known = cache_bytes(2);
  return is_intel_server() && known > 0 ? std::min(kMost, known) : kMost;
}
// Up to here avx2's reload is ahead of its two_pass (0.90 of its time at 2.4 MB, 1.09 at 5.6 MB).
constexpr double kReloadsWithAvx2 = 3.5e6;
// Multiple of the second level from which stores past the caches pay on Intel's servers: two_pass
// is ahead of them by 8 % at 2.4 MB, behind by 11 % at 3.2 MB (Emerald Rapids, 2 MiB).
constexpr double kStreamsBeyondLevels = 1.3;
// Bytes of all operands from which little is found in a cache again: the third level, where that is
// known, at most 64 MB. On Zen 4, with 32 MiB, streams are level with two_pass at 16 MB and ahead
// of it by 11 % at 40.
double beyond_caches() {
  constexpr double kMost = 64e6;
  const double known = cache_bytes(3);
  return known > 0 ? std::min(kMost, known) : kMost;
}

std::string choice(const std::string& op, Isa isa, const Problem& problem) {
  const double all = bytes_moved(problem, 2);
  if (all >= beyond_caches()) return "two_pass_stream";
  if (op == "log_softmax" || problem.dtype != Dtype::kF32) return "two_pass";
  const std::int64_t rows = Shape(problem).rows;
  const bool row_by_row = isa != Isa::kAvx512 && rows > 0;
  const double reread = row_by_row ? all / static_cast<double>(rows) : all;
  if (reread <= (isa == Isa::kAvx2 ? kReloadsWithAvx2 : second_level())) return "three_pass_reload";
  const bool streams =
      is_intel_server() && isa != Isa::kScalar && reread > kStreamsBeyondLevels * second_level();
  return streams ? "two_pass_stream" : "two_pass";
}

const Variant& chosen(const std::string& op, Isa isa, const Problem& problem) {
  const std::string name = choice(op, isa, problem);
  for (const Variant* v : Registry::instance().variants_of(op)) {
    if (v->name == name && v->isa == isa && why_not(*v, problem).empty()) return *v;
  }
  if (isa == Isa::kScalar) {  // has no streaming form for 16-bit storage
    for (const Variant* v : Registry::instance().variants_of(op)) {
      if (v->name == "two_pass" && v->isa == isa) return *v;
    }
  }
  throw std::logic_error("auto: no " + name + "@" + std::string(name_of(isa)));
}

Variant auto_variant(const std::string& op, Isa isa) {
  return {
      .op = op,
      .name = "auto",
      .isa = isa,
      .dtypes = {Dtype::kF32, Dtype::kBf16, Dtype::kF16},
      .summary = "picks by size: reload, two_pass or two_pass_stream",
      .streams = true,
      .bytes_algorithm =
          [op, isa](const Problem& problem) {
            return chosen(op, isa, problem).bytes_algorithm(problem);
          },
      .make = [op, isa](const Problem& problem) { return chosen(op, isa, problem).make(problem); }};
}

const Registration softmax_scalar{auto_variant("softmax", Isa::kScalar)};
const Registration softmax_avx2{auto_variant("softmax", Isa::kAvx2)};
const Registration softmax_avx512{auto_variant("softmax", Isa::kAvx512)};
const Registration log_softmax_scalar{auto_variant("log_softmax", Isa::kScalar)};
const Registration log_softmax_avx2{auto_variant("log_softmax", Isa::kAvx2)};
const Registration log_softmax_avx512{auto_variant("log_softmax", Isa::kAvx512)};

}  // namespace
}  // namespace sb::softmax
