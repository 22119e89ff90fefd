// The backward pass: golden gradients, finite differences of the forward reference, invariants.
#include "suites/attention/attention_test.h"
#include "suites/attention/backward_reference.h"
#include "suites/attention/reference.h"

namespace sb::attention {
namespace {

using sb::testing::Case;

const Given kGolden = {{"b", "1"}, {"h", "1"}, {"m", "6"}, {"n", "6"}, {"d", "4"}};

TEST(AttentionBackward, MeetsTheGoldenGradients) {
  for (const bool causal : {false, true}) {
    Given params = kGolden;
    if (causal) params["causal"] = "top_left";
    Case c("attention_backward", params, "golden");
    for (const Variant* variant : runnable(c)) {
      SCOPED_TRACE(described(c, *variant, "golden"));
      c.run(*variant);
      const float* dq = c.operands().get<float>(backward::kDQ);
      const float* dk = c.operands().get<float>(backward::kDK);
      const float* dv = c.operands().get<float>(backward::kDV);
      expect_row(dq + 20, std::array{0.052611869, 0.045992619, 0.018461836, 0.073513811});
      EXPECT_NEAR(sum(dk, 24), 0, 1e-6);
      EXPECT_NEAR(sum(dv, 24), -0.112119771, 1e-6);
      if (causal) {
        expect_row(dq, std::array{0.0, 0.0, 0.0, 0.0});
        expect_row(dk, std::array{0.055272546, -0.006647657, -0.009085421, -0.034356840});
        expect_row(dv + 20, std::array{0.027754073, 0.186244253, 0.016677173, -0.078450151});
      } else {
        expect_row(dq, std::array{0.023431810, 0.081673545, -0.007676933, 0.087331816});
        expect_row(dk + 20, std::array{-0.043135305, 0.058965312, 0.039366937, 0.068174378});
        expect_row(dv, std::array{0.173860929, -0.021510319, 0.025112192, -0.012143175});
      }
    }
  }
}

// sum dO * O of the whole problem, in double, from the forward definition alone.
double loss(const Shape& s, const Operands& operands) {
  double total = 0;
  for (std::int64_t batch = 0; batch < s.b; ++batch) {
    for (std::int64_t head = 0; head < s.h; ++head) {
      const Head view = head_of(s, Dtype::kF32, operands, batch, head);
      const float* d_o = operands.get<float>(backward::kDO) + s.query_head(batch, head);
      for (std::int64_t i = 0; i < s.m; ++i) {
        const ReferenceRow row = reference_row(view, i, visible_keys(i, s.diagonal(), s.n));
        for (int c = 0; c < s.d; ++c) {
          total += row.o[static_cast<std::size_t>(c)] * d_o[i * s.query_stride() + c];
        }
      }
    }
  }
  return total;
}

TEST(AttentionBackward, ReferenceGradientsAreTheDerivativesOfTheForwardReference) {
  for (const char* causal : {"none", "top_left", "bottom_right"}) {
    Case c("attention_backward", {{"b", "1"},
                                  {"h", "2"},
                                  {"hkv", "1"},
                                  {"m", "4"},
                                  {"n", "5"},
                                  {"d", "3"},
                                  {"causal", causal}});
    const Shape s(c.problem());
    const int inputs[] = {backward::kQ, backward::kK, backward::kV};
    for (std::size_t which = 0; which < 3; ++which) {
      const Expected& gradient = c.expected()[which];
      for (std::size_t i = 0; i < gradient.value.size(); ++i) {
        float& x = c.operands().get<float>(inputs[which])[gradient.index[i]];
        const float middle = x;
        x = middle + 0.0009765625f;  // a float holds the step exactly, near enough to 1
        const double above = loss(s, c.operands());
        const double step_up = double{x} - middle;
        x = middle - 0.0009765625f;
        const double below = loss(s, c.operands());
        const double step_down = double{middle} - x;
        x = middle;
        EXPECT_NEAR(gradient.value[i], (above - below) / (step_up + step_down), 3e-6)
            << causal << " input " << which << " element " << i;
      }
    }
  }
}

TEST(AttentionBackward, KeyGradientsSumToZeroOverTheKeysOfAHead) {
  for (const char* causal : {"none", "top_left", "bottom_right"}) {
    Case c("attention_backward", {{"b", "1"},
                                  {"h", "2"},
                                  {"hkv", "1"},
                                  {"m", "100"},
                                  {"n", "150"},
                                  {"d", "32"},
                                  {"causal", causal}});
    for (const Variant* variant : runnable(c)) {
      c.run(*variant);
      const float* dk = c.operands().get<float>(backward::kDK);
      for (int column = 0; column < 32; ++column) {
        double total = 0;
        for (int j = 0; j < 150; ++j) total += dk[j * 32 + column];
        EXPECT_NEAR(total, 0, 2e-5) << variant->full_name() << " " << causal;
      }
    }
  }
}

TEST(AttentionBackward, QueriesThatSeeNothingGetNoGradientAndGiveNone) {
  Case c(
      "attention_backward",
      {{"b", "1"}, {"h", "1"}, {"m", "50"}, {"n", "30"}, {"d", "8"}, {"causal", "bottom_right"}});
  for (const Variant* variant : runnable(c)) {
    c.run(*variant);
    for (int i = 0; i < 20 * 8; ++i) {
      EXPECT_EQ(c.operands().get<float>(backward::kDQ)[i], 0) << variant->full_name();
    }
  }
}

}  // namespace
}  // namespace sb::attention
