// attention_backward: dQ, dK and dV from dO, with the forward pass's O and log-sum-exp.
#include "core/buffer.h"
#include "core/registry.h"
#include "suites/attention/attention_op.h"
#include "suites/attention/backward_reference.h"
#include "suites/attention/flash2.h"
#include "suites/attention/reference.h"

namespace sb::attention {
namespace {

using namespace backward;

constexpr int kKeyBlock = 128;

// O and L of the forward pass over the inputs that are there already.
void run_forward(const Shape& s, Dtype dtype, const Operands& operands) {
  const Isa isa = widest_isa();
  const Buffer workspace(
      static_cast<std::size_t>(flash_workspace_floats(s.d, kKeyBlock, lanes_of(isa))) *
      sizeof(float));
  const std::vector<PanelShape> panels = plan_panels(s.m, lanes_of(isa));
  const FlashGroup attend = flash_group(isa, Arithmetic::kFloat);
  for (std::int64_t row = 0; row < s.b * s.h; ++row) {
    Head head = head_of(s, dtype, operands, row / s.h, row % s.h);
    head.lse = operands.get<float>(kLse) + row * s.m;
    for (std::size_t p = 0; p < panels.size(); p += kGroupPanels) {
      const std::size_t count = std::min<std::size_t>(kGroupPanels, panels.size() - p);
      attend(head, panels.data() + p, static_cast<int>(count), kKeyBlock, workspace.as<float>());
    }
  }
}

void append(const Gradient& gradient, std::int64_t row, Expected& to) {
  const auto d = static_cast<std::int64_t>(gradient.value.size());
  to.value.insert(to.value.end(), gradient.value.begin(), gradient.value.end());
  to.scale.insert(to.scale.end(), gradient.scale.begin(), gradient.scale.end());
  for (std::int64_t c = 0; c < d; ++c) to.index.push_back(row * d + c);
}

// Below 2^-14 the numbers of f16 lie 2^-24 apart, and rounding costs up to half of that.
void allow_subnormals(Expected& gradient) {
  for (double& scale : gradient.scale) scale += 0x1p-25 / gradient.tolerance;
}

// The outputs that `bug` would leave.
void store_gradients(const Problem& p, const Operands& operands, GradientBug bug) {
  const Shape s(p);
  const BackwardReference wrong(s, p.dtype, operands, bug);
  const auto store = [&](int place, std::int64_t at, const Gradient& from) {
    for (const double value : from.value) {
      store_from_double(p.dtype, operands.get<void>(place), at++, value);
    }
  };
  for (std::int64_t batch = 0; batch < s.b; ++batch) {
    for (std::int64_t head = 0; head < s.h; ++head) {
      for (std::int64_t i = 0; i < s.m; ++i) {
        store(kDQ, s.query_head(batch, head) + i * s.query_stride(), wrong.dq(batch, head, i));
      }
    }
    for (std::int64_t head = 0; head < s.hkv; ++head) {
      for (std::int64_t j = 0; j < s.n; ++j) {
        Gradient dk, dv;
        wrong.dk_dv(batch, head, j, dk, dv);
        store(kDK, s.key_head(batch, head) + j * s.key_stride(), dk);
        store(kDV, s.key_head(batch, head) + j * s.key_stride(), dv);
      }
    }
  }
}

Mutant with_bug(const char* name, GradientBug bug) {
  return {name,
          [bug](const Problem& p, const Operands& operands) { store_gradients(p, operands, bug); }};
}

class AttentionBackward final : public Operation {
 public:
  std::string_view name() const override { return "attention_backward"; }
  std::string_view formula() const override {
    return "dV = P^T dO; dS = P (dO V^T - rowsum(dO O)); dQ = scale dS K; dK = scale dS^T Q";
  }
  std::vector<ParamSpec> params() const override { return shape_params(true); }
  std::vector<Dtype> dtypes() const override { return {Dtype::kF32, Dtype::kBf16, Dtype::kF16}; }
  std::string why_not(const Problem& problem) const override { return why_not_shape(problem); }
  std::vector<std::string> fills() const override { return family_fills(); }

  std::vector<TensorSpec> tensors(const Problem& p) const override {
    const Shape s(p);
    return {s.queries("q", p.dtype, Role::kInput),    s.keys("k", p.dtype, Role::kInput),
            s.keys("v", p.dtype, Role::kInput),       s.queries("o", p.dtype, Role::kInput),
            {.name = "lse", .dims = {s.b, s.h, s.m}}, s.queries("do", p.dtype, Role::kInput),
            s.queries("dq", p.dtype, Role::kOutput),  s.keys("dk", p.dtype, Role::kOutput),
            s.keys("dv", p.dtype, Role::kOutput)};
  }

  // Five products over the visible pairs, whatever an algorithm computes twice.
  Cost cost(const Problem& p) const override {
    const Shape s(p);
    double bytes = 0;
    for (const TensorSpec& spec : tensors(p)) bytes += static_cast<double>(spec.bytes());
    return {.flops = 10.0 * static_cast<double>(s.b * s.h) * s.visible_pairs() * s.d,
            .bytes_compulsory = bytes};
  }

  void fill(const Problem& problem, const Fill& fill, std::uint64_t seed,
            const Operands& operands) const override {
    fill_inputs(*this, problem, fill, seed, operands);
    run_forward(Shape(problem), problem.dtype, operands);
  }

  std::vector<Expected> reference(const Problem& p, const Operands& operands) const override {
    const Shape s(p);
    const BackwardReference right(s, p.dtype, operands);
    Expected dq{.tolerance = output_tolerance(p.dtype)};
    Expected dk = dq, dv = dq;
    const double per_pair = 8.0 * s.d;
    for (const std::int64_t row :
         sampled_rows(s.b * s.h * s.m, per_pair * static_cast<double>(s.n))) {
      const std::int64_t batch = row / (s.h * s.m);
      const std::int64_t inside = row % (s.h * s.m);
      const std::int64_t head = s.heads_inside ? inside % s.h : inside / s.m;
      append(right.dq(batch, head, s.heads_inside ? inside / s.h : inside % s.m), row, dq);
    }
    const double rows_of_key = static_cast<double>(s.m * s.group());
    for (const std::int64_t row : sampled_rows(s.b * s.hkv * s.n, per_pair * rows_of_key)) {
      const std::int64_t batch = row / (s.hkv * s.n);
      const std::int64_t inside = row % (s.hkv * s.n);
      const std::int64_t head = s.heads_inside ? inside % s.hkv : inside / s.n;
      Gradient key, value;
      right.dk_dv(batch, head, s.heads_inside ? inside / s.hkv : inside % s.n, key, value);
      append(key, row, dk);
      append(value, row, dv);
    }
    if (p.dtype == Dtype::kF16) {
      for (Expected* gradient : {&dq, &dk, &dv}) allow_subnormals(*gradient);
    }
    return {std::move(dq), std::move(dk), std::move(dv)};
  }

  std::vector<Mutant> mutants() const override {
    return {with_bug("rowsum(dO O) left out", GradientBug::kNoDelta),
            with_bug("dQ not scaled", GradientBug::kUnscaledQueries),
            with_bug("missing mask", GradientBug::kNoMask),
            with_bug("dK and dV of the group's last head only", GradientBug::kLastHeadOfGroupOnly),
            with_bug("stale log-sum-exp", GradientBug::kStaleLse),
            with_bug("last tile skipped", GradientBug::kLastKeysSkipped)};
  }
};

const Registration attention_backward{std::make_unique<AttentionBackward>()};

}  // namespace
}  // namespace sb::attention
