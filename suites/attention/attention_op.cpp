#include "suites/attention/attention_op.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace sb::attention {
namespace {

std::int64_t optional_integer(const Params& params, std::string_view name, std::int64_t absent) {
  try {
    return params.integer(name);
  } catch (const std::out_of_range&) {
    return absent;
  }
}

std::string optional_word(const Params& params, std::string_view name, const char* absent) {
  try {
    return params.word(name);
  } catch (const std::out_of_range&) {
    return absent;
  }
}

}  // namespace

Shape::Shape(const Problem& problem)
    : b(problem.params.integer("b")),
      h(problem.params.integer("h")),
      hkv(problem.params.integer("hkv")),
      m(optional_integer(problem.params, "m", 1)),
      n(problem.params.integer("n")),
      d(static_cast<int>(problem.params.integer("d"))),
      causal(optional_word(problem.params, "causal", "none")),
      heads_inside(problem.params.word("layout") == "bnhd"),
      row(d + problem.params.integer("pad")),
      ragged(optional_integer(problem.params, "ragged", 1)) {
  if (hkv == 0) hkv = h;
}

// From n down to n / ragged in equal ratios.
std::int64_t Shape::context(std::int64_t batch) const {
  if (ragged == 1 || b == 1) return n;
  const double share = static_cast<double>(batch) / static_cast<double>(b - 1);
  const double keys = static_cast<double>(n) * std::pow(static_cast<double>(ragged), -share);
  return std::max<std::int64_t>(1, std::llround(keys));
}

double Shape::scale() const { return 1 / std::sqrt(static_cast<double>(d)); }

double Shape::visible_pairs() const {
  // Sum over rows i of clamp(i + diagonal, 0, n): a ramp between two plateaus.
  const Diagonal k = diagonal();
  const std::int64_t ramp_begin = std::clamp<std::int64_t>(-k, 0, m);
  const std::int64_t ramp_end = std::clamp<std::int64_t>(n - k, ramp_begin, m);
  const auto steps = static_cast<double>(ramp_end - ramp_begin);
  const double first = static_cast<double>(ramp_begin + k);
  return steps * first + steps * (steps - 1) / 2 +
         static_cast<double>(m - ramp_end) * static_cast<double>(n);
}

TensorSpec Shape::queries(std::string name, Dtype dtype, Role role) const {
  return {.name = std::move(name),
          .dtype = dtype,
          .dims = heads_inside ? std::vector<std::int64_t>{b, m, h, d}
                               : std::vector<std::int64_t>{b, h, m, d},
          .role = role,
          .row_stride = row == d ? 0 : row};
}

TensorSpec Shape::keys(std::string name, Dtype dtype, Role role) const {
  return {.name = std::move(name),
          .dtype = dtype,
          .dims = heads_inside ? std::vector<std::int64_t>{b, n, hkv, d}
                               : std::vector<std::int64_t>{b, hkv, n, d},
          .role = role,
          .row_stride = row == d ? 0 : row};
}

std::vector<ParamSpec> shape_params(bool with_queries) {
  std::vector<ParamSpec> specs = {{.name = "b", .doc = "sequences", .max = 1 << 20},
                                  {.name = "h", .doc = "query heads", .max = 1 << 16},
                                  {.name = "hkv",
                                   .doc = "key/value heads; 0: as many as query heads",
                                   .min = 0,
                                   .max = 1 << 16,
                                   .default_value = "0"},
                                  {.name = "n", .doc = "keys per sequence"},
                                  {.name = "d", .doc = "elements per head", .max = 1024},
                                  {.name = "layout",
                                   .doc = "order of the dimensions in memory",
                                   .choices = {"bhnd", "bnhd"},
                                   .default_value = "bhnd"},
                                  {.name = "pad",
                                   .doc = "unused elements after every row of d",
                                   .min = 0,
                                   .max = 4096,
                                   .default_value = "0"}};
  if (with_queries) {
    specs.push_back({.name = "m", .doc = "query rows per sequence"});
    specs.push_back({.name = "causal",
                     .doc = "mask: none, top_left (row i sees keys 0..i), bottom_right (the last "
                            "row sees all keys)",
                     .choices = {"none", "top_left", "bottom_right"},
                     .default_value = "none"});
  }
  return specs;
}

std::string why_not_shape(const Problem& problem) {
  const Shape s(problem);
  if (s.h % s.hkv != 0) {
    return "h=" + std::to_string(s.h) + " is not a multiple of hkv=" + std::to_string(s.hkv);
  }
  return "";
}

Head head_of(const Shape& s, Dtype dtype, const Operands& o, std::int64_t batch,
             std::int64_t head) {
  const std::int64_t q = s.query_head(batch, head);
  const std::int64_t k = s.key_head(batch, head / s.group());
  return {.dtype = dtype,
          .q = {at(dtype, o.get<const void>(forward::kQ), q), s.query_stride()},
          .k = {at(dtype, o.get<const void>(forward::kK), k), s.key_stride()},
          .v = {at(dtype, o.get<const void>(forward::kV), k), s.key_stride()},
          .o = {at(dtype, o.get<void>(forward::kO), q), s.query_stride()},
          .n = s.context(batch),
          .d = s.d,
          .diagonal = s.diagonal(),
          .scale = static_cast<float>(s.scale() * kLog2E)};
}

int lanes_of(Isa isa) {
  return isa == Isa::kAvx512 || isa == Isa::kAmx ? 16 : isa == Isa::kAvx2 ? 8 : 1;
}

Isa widest_isa() {
  for (const Isa isa : {Isa::kAvx512, Isa::kAvx2}) {
    if (why_isa_unavailable(isa).empty()) return isa;
  }
  return Isa::kScalar;
}

}  // namespace sb::attention
