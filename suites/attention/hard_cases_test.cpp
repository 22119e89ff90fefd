#include <iostream>
#include <set>

#include "suites/attention/attention_test.h"

namespace sb::attention {
namespace {

Given shape(int b, int h, int hkv, int m, int n, int d, const std::string& causal) {
  return {{"b", std::to_string(b)}, {"h", std::to_string(h)}, {"hkv", std::to_string(hkv)},
          {"m", std::to_string(m)}, {"n", std::to_string(n)}, {"d", std::to_string(d)},
          {"causal", causal}};
}

Given with(Given params, const Given& more) {
  for (const auto& [name, value] : more) params[name] = value;
  return params;
}

// Shapes whose rows, keys or columns miss a vector, a panel (48 rows), a group of panels (192) or a
// block (72, 128, 256 keys); rows that see nothing; groups; strides; scores that overflow, tie,
// rise, or are no number.
std::vector<Hard> with_queries() {
  const Given strided = {{"layout", "bnhd"}, {"pad", "3"}};
  return {
      {shape(1, 1, 1, 1, 1, 1, "none"), ""},
      {shape(1, 1, 1, 6, 6, 4, "none"), "golden"},
      {shape(1, 1, 1, 6, 6, 4, "top_left"), "golden"},
      {shape(2, 2, 2, 17, 33, 40, "none"), "", 2},
      {shape(1, 4, 2, 50, 130, 64, "none"), "", 3},
      {shape(1, 4, 1, 49, 257, 59, "top_left"), ""},
      {shape(1, 2, 1, 131, 131, 72, "top_left"), "", 2},
      {shape(1, 2, 2, 100, 300, 32, "bottom_right"), ""},
      {shape(1, 3, 3, 97, 40, 16, "bottom_right"), "", 2},
      {shape(1, 1, 1, 40, 97, 24, "top_left"), ""},
      {shape(1, 1, 1, 30, 150, 35, "bottom_right"), ""},
      {shape(1, 1, 1, 63, 520, 128, "none"), "ascending_keys", 2},
      {shape(1, 1, 1, 200, 200, 80, "top_left"), "ascending_keys"},
      {shape(1, 2, 1, 33, 150, 64, "none"), "large_scores"},
      {shape(1, 1, 1, 57, 300, 20, "none"), "equal_scores"},
      {shape(1, 1, 1, 250, 270, 20, "bottom_right"), "", 2},
      {shape(1, 1, 1, 24, 70, 12, "none"), "constant_values"},
      {shape(1, 1, 1, 20, 40, 8, "top_left"), "one_nan"},
      {with(shape(2, 4, 2, 35, 66, 48, "bottom_right"), strided), "", 2},
      {with(shape(1, 2, 2, 20, 200, 33, "none"), strided), ""},
  };
}

// One key, contexts that miss a tile (128, 256 keys), groups of 1, 3, 8 and 70 heads, ragged
// contexts, strides, a rescale after every few keys; scores that leave a fixed maximum's reach.
std::vector<Hard> without_queries() {
  const auto decode = [](int b, int h, int hkv, int n, int d, const Given& more = {}) {
    Given params = with(shape(b, h, hkv, 1, n, d, "none"), more);
    params.erase("m");
    params.erase("causal");
    return params;
  };
  return {
      {decode(1, 1, 1, 1, 1), ""},
      {decode(1, 1, 1, 700, 64), "", 2},
      {decode(1, 3, 1, 300, 40), "", 3},
      {decode(2, 8, 1, 513, 128), "", 2},
      {decode(1, 16, 2, 1000, 59, {{"rescale", "16"}}), "", 2},
      {decode(1, 70, 1, 90, 16), ""},
      {decode(1, 8, 1, 33, 47), ""},
      {decode(1, 4, 2, 31, 81), ""},
      {decode(5, 4, 2, 800, 72, {{"ragged", "8"}}), "", 2},
      {decode(3, 6, 3, 301, 33, {{"ragged", "3"}, {"layout", "bnhd"}, {"pad", "3"}}), "", 3},
      {decode(1, 8, 1, 400, 64), "large_scores", 2},
      {decode(1, 4, 4, 400, 64), "large_scores"},
      {decode(1, 8, 2, 600, 32), "ascending_keys", 2},
      {decode(1, 8, 2, 300, 32), "equal_scores"},
      {decode(1, 8, 1, 200, 32), "constant_values"},
      {decode(1, 4, 2, 200, 32), "one_nan"},
  };
}

}  // namespace

std::vector<Hard> hard_cases(const std::string& op) {
  if (op == "attention_decode") return without_queries();
  std::vector<Hard> cases = with_queries();
  if (op == "attention_backward") {
    // A row whose log-sum-exp is NaN may spread it over keys that the mask hides from the row.
    for (Hard& hard : cases) {
      if (hard.fill == "one_nan") hard.params["causal"] = "none";
    }
  }
  if (op == "attention") {
    for (Hard& hard : cases) hard.params["lse"] = "true";
    cases.push_back({shape(1, 1, 1, 10, 20, 16, "none"), ""});
  }
  return cases;
}

std::vector<const Variant*> runnable(const testing::Case& c) {
  std::vector<const Variant*> variants;
  for (const Variant* v : Registry::instance().variants_of(c.op().name())) {
    if (v->device != Device::kCpu) continue;
    const std::string why = why_not(*v, c.problem());
    if (why.empty()) {
      variants.push_back(v);
      continue;
    }
    static std::set<std::string> told;
    const std::string text = v->full_name() + ": " + why;
    if (told.insert(text).second) std::cout << "skipped " << text << "\n";
  }
  return variants;
}

std::string described(const testing::Case& c, const Variant& variant, const std::string& fill) {
  return variant.full_name() + " " + std::string(name_of(c.problem().dtype)) + " " +
         c.problem().params.text() + " " + fill + " threads " + std::to_string(c.problem().threads);
}

bool keeps_bits_across_threads(const Variant& variant) {
  // A library's product sums by the shape of the slice; the splits of keys follow the threads.
  if (variant.isa == Isa::kNative) return false;
  if (variant.op == "attention_backward") return variant.name == "flash1";
  return variant.op != "attention_decode" || variant.name.starts_with("unsplit");
}

}  // namespace sb::attention
