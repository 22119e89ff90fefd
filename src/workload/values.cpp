#include "workload/values.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <stdexcept>

#include "core/registry.h"
#include "workload/workload.h"

namespace sb {
namespace {

constexpr std::int64_t kMostThreads = 4096;
constexpr double kLargestFactor = 1e9;

template <typename T>
bool parse_number(const std::string& text, T& value) {
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  return result.ec == std::errc() && result.ptr == end;
}

template <typename T>
std::vector<std::string> names_of(const std::vector<T>& values) {
  std::vector<std::string> names;
  for (const T& value : values) names.emplace_back(name_of(value));
  return names;
}

// Names as a workload would write them: the variants, then the forms with their instruction set.
std::vector<std::string> variant_words(const Operation& op, bool with_isa) {
  std::vector<std::string> words;
  for (const Variant* variant : Registry::instance().variants_of(op.name())) {
    if (words.empty() || words.back() != variant->name) words.push_back(variant->name);
  }
  if (!with_isa) return words;
  for (const Variant* variant : Registry::instance().variants_of(op.name())) {
    words.push_back(variant->name + "@" + std::string(name_of(variant->isa)));
  }
  return words;
}

}  // namespace

std::string suggestion(std::string_view word, const std::vector<std::string>& known) {
  if (const std::string near = nearest(word, known); !near.empty()) {
    return fmt::format("; did you mean \"{}\"?", near);
  }
  if (known.empty()) return "; there is none";
  return fmt::format("; known: {}", fmt::join(known, ", "));
}

std::string read_integer(const std::string& text, std::int64_t min, std::int64_t max,
                         std::int64_t& value) {
  if (!parse_number(text, value)) return fmt::format("\"{}\" is not an integer", text);
  if (value < min || value > max) return fmt::format("{} is outside {} to {}", text, min, max);
  return "";
}

std::string read_seconds(const std::string& text, double max, double& value) {
  if (!parse_number(text, value) || !std::isfinite(value)) {
    return fmt::format("\"{}\" is not a number of seconds", text);
  }
  if (value <= 0 || value > max) {
    return fmt::format("{} s is outside what makes sense: more than 0, at most {:g}", text, max);
  }
  return "";
}

std::string read_factor(const std::string& text, double& value) {
  if (parse_number(text, value) && value > 1 && value <= kLargestFactor) return "";
  return fmt::format("\"{}\" is not a number above 1 and at most {:g}", text, kLargestFactor);
}

std::string read_dtype(const std::string& text, const Operation& op, Dtype& dtype) {
  const std::vector<Dtype> known = op.dtypes();
  if (parse_dtype(text, dtype)) {
    if (std::find(known.begin(), known.end(), dtype) != known.end()) return "";
    return fmt::format("{} has no dtype \"{}\"; it has {}", op.name(), text,
                       fmt::join(names_of(known), ", "));
  }
  return fmt::format("unknown dtype \"{}\"{}", text, suggestion(text, names_of(known)));
}

std::string read_cache(const std::string& text, CacheState& cache) {
  if (parse_cache_state(text, cache)) return "";
  return fmt::format("unknown cache state \"{}\"{}", text,
                     suggestion(text, names_of<CacheState>({CacheState::kWarm, CacheState::kCold,
                                                            CacheState::kColdOutput})));
}

std::string read_threads(const std::string& text, int& threads) {
  if (text == "all") {
    threads = kAllThreads;
    return "";
  }
  std::int64_t value = 0;
  if (!parse_number(text, value) || value < 1 || value > kMostThreads) {
    return fmt::format("\"{}\" is not a thread count: 1 to {}, or all", text, kMostThreads);
  }
  threads = static_cast<int>(value);
  return "";
}

std::string read_fill(const std::string& text, const Operation& op, Fill& fill) {
  try {
    fill = parse_fill(text, op.fills());
    return "";
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
}

std::string check_param_name(const Operation& op, const std::string& name) {
  std::vector<std::string> names;
  for (const ParamSpec& spec : op.params()) names.push_back(spec.name);
  if (std::find(names.begin(), names.end(), name) != names.end()) return "";
  return fmt::format("{} has no parameter \"{}\"{}", op.name(), name, suggestion(name, names));
}

std::string check_param(const Operation& op, const std::string& name, const std::string& value) {
  for (const ParamSpec& spec : op.params()) {
    if (spec.name == name) return why_not_a_value(spec, value);
  }
  return check_param_name(op, name);
}

std::string check_glob(const std::string& glob, const Operation& op) {
  for (const Variant* variant : Registry::instance().variants_of(op.name())) {
    if (selects(glob, *variant)) return "";
  }
  if (const std::size_t colon = glob.find(':'); colon != std::string::npos) {
    const std::string peer = glob.substr(0, colon);
    return fmt::format(
        "no variant of {} matches \"{}\"; if {} is not defined, add peers: {{{}: {{command: "
        "[...]}}}} or --peer {}='CMD'; its kernels: softmax-bench verify --peer 'CMD'",
        op.name(), glob, peer, peer, peer);
  }
  const bool with_isa = glob.find('@') != std::string::npos;
  const std::vector<std::string> words = variant_words(op, with_isa);
  const std::string near = nearest(glob, words);
  return fmt::format("no variant of {} matches \"{}\"{}", op.name(), glob,
                     near.empty() ? suggestion(glob, variant_words(op, false))
                                  : fmt::format("; did you mean \"{}\"?", near));
}

std::string check_baseline(const std::string& baseline, const Operation& op,
                           const std::vector<std::string>& globs) {
  if (baseline == "best_other") return "";
  bool known = false;
  for (const Variant* variant : Registry::instance().variants_of(op.name())) {
    if (!selects(baseline, *variant)) continue;
    known = true;
    for (const std::string& glob : globs) {
      if (selects(glob, *variant)) return "";
    }
  }
  if (known) {
    return fmt::format("baseline \"{}\" is not among the variants; add it to them", baseline);
  }
  std::vector<std::string> words = variant_words(op, baseline.find('@') != std::string::npos);
  words.push_back("best_other");
  return fmt::format("unknown baseline \"{}\"{}", baseline, suggestion(baseline, words));
}

std::string expand(const Range& range, std::vector<std::string>& values) {
  if ((range.factor == 0) == (range.step == 0)) return "a range needs factor or step, one of them";
  if (range.to < range.from) {
    return fmt::format("a range from {} to {} is empty", range.from, range.to);
  }
  if (range.factor != 0 && range.from < 1) return "a range with factor starts at 1 or more";
  double exact = static_cast<double>(range.from);
  std::int64_t value = range.from;
  while (true) {
    if (values.size() == kMostValues) {
      return fmt::format("a range of more than {} values; take a larger {}", kMostValues,
                         range.step != 0 ? "step" : "factor");
    }
    values.push_back(std::to_string(value));
    if (range.step != 0) {
      if (value > range.to - range.step) return "";
      value += range.step;
      continue;
    }
    // Rounded powers, each at least one more than the one before, so that 1.1 works from 1 on.
    exact *= range.factor;
    if (exact > static_cast<double>(range.to) + 0.5) return "";
    value = std::max(value + 1, static_cast<std::int64_t>(std::llround(exact)));
    if (value > range.to) return "";
  }
}

}  // namespace sb
