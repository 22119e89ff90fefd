// How a comparison reads: on a terminal, on a pull request, in a program.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "report/compare.h"

namespace sb {
namespace {

std::string time_text(const Number& ns) {
  if (!ns) return "-";
  if (*ns < 1e3) return fmt::format("{:.3g} ns", *ns);
  if (*ns < 1e6) return fmt::format("{:.4g} us", *ns / 1e3);
  if (*ns < 1e9) return fmt::format("{:.4g} ms", *ns / 1e6);
  return fmt::format("{:.4g} s", *ns / 1e9);
}

double percent(double log_ratio) { return std::expm1(log_ratio) * 100; }

bool has_ratio(const Comparison::Entry& entry) {
  return entry.base.time_median_ns && entry.head.time_median_ns;
}

std::string change_text(const Comparison::Entry& entry) {
  if (!has_ratio(entry)) return "-";
  return fmt::format("{:+.1f} % [{:+.1f}, {:+.1f}]", percent(entry.ratio.estimate),
                     percent(entry.ratio.lo), percent(entry.ratio.hi));
}

std::string reason_text(const Comparison::Entry& entry) {
  if (entry.ignored.empty()) return entry.judgement.reason;
  const std::string ignored = "ignored: " + entry.ignored;
  return entry.judgement.reason.empty() ? ignored : ignored + "; " + entry.judgement.reason;
}

// What a reader wants first stands first.
int rank(const Comparison::Entry& entry) {
  static constexpr Verdict kOrder[] = {Verdict::kSlower,    Verdict::kMissing, Verdict::kAmbiguous,
                                       Verdict::kFaster,    Verdict::kNew,     Verdict::kSame,
                                       Verdict::kUncompared};
  const auto* at = std::find(std::begin(kOrder), std::end(kOrder), entry.judgement.verdict);
  return static_cast<int>(at - std::begin(kOrder)) + (entry.ignored.empty() ? 0 : 100);
}

std::vector<const Comparison::Entry*> by_interest(const Comparison& comparison) {
  std::vector<const Comparison::Entry*> entries;
  for (const auto& entry : comparison.entries) entries.push_back(&entry);
  std::stable_sort(entries.begin(), entries.end(), [](const auto* a, const auto* b) {
    if (rank(*a) != rank(*b)) return rank(*a) < rank(*b);
    return std::abs(a->ratio.estimate) > std::abs(b->ratio.estimate);
  });
  return entries;
}

std::string machines_note(const Comparison& comparison) {
  if (!comparison.across_machines()) return "";
  return fmt::format(
      "Across machines: base on {}, new on {}. These ratios compare machines, not code.",
      comparison.base_host, comparison.head_host);
}

std::string escape_pipes(std::string text) {
  for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) {
    text.insert(at, "\\");
  }
  return text;
}

nlohmann::json value_or_null(const Number& value) {
  return value ? nlohmann::json(*value) : nlohmann::json(nullptr);
}

nlohmann::json json_of(const Comparison::Entry& entry) {
  nlohmann::json json = {{"case", entry.name},
                         {"verdict", name_of(entry.judgement.verdict)},
                         {"reason", entry.judgement.reason},
                         {"ignored", entry.ignored},
                         {"threshold", entry.threshold},
                         {"base_ns", value_or_null(entry.base.time_median_ns)},
                         {"new_ns", value_or_null(entry.head.time_median_ns)},
                         {"ratio", nullptr},
                         {"ratio_lo", nullptr},
                         {"ratio_hi", nullptr}};
  if (has_ratio(entry)) {
    json["ratio"] = std::exp(entry.ratio.estimate);
    if (std::isfinite(entry.ratio.lo)) json["ratio_lo"] = std::exp(entry.ratio.lo);
    if (std::isfinite(entry.ratio.hi)) json["ratio_hi"] = std::exp(entry.ratio.hi);
  }
  return json;
}

}  // namespace

std::string summary_line(const Comparison& comparison) {
  std::string text;
  for (const Verdict verdict : {Verdict::kSlower, Verdict::kFaster, Verdict::kSame,
                                Verdict::kAmbiguous, Verdict::kMissing, Verdict::kNew}) {
    const int n = comparison.count(verdict);
    const bool always = verdict != Verdict::kMissing && verdict != Verdict::kNew;
    if (n > 0 || always) {
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", n, name_of(verdict));
    }
  }
  const auto ignored = std::count_if(comparison.entries.begin(), comparison.entries.end(),
                                     [](const auto& entry) { return !entry.ignored.empty(); });
  if (ignored > 0) text += fmt::format(", {} ignored by the policy", ignored);
  return fmt::format("{} rows: {}", comparison.entries.size(), text);
}

std::string to_text(const Comparison& comparison) {
  std::string text;
  std::size_t width = 4;
  for (const auto& entry : comparison.entries) width = std::max(width, entry.name.size());
  text += fmt::format("{:<10} {:<{}} {:>10} {:>10} {:>26}  {}\n", "verdict", "case", width, "base",
                      "new", "change of time", "why");
  for (const auto* entry : by_interest(comparison)) {
    std::string line = fmt::format(
        "{:<10} {:<{}} {:>10} {:>10} {:>26}  {}", name_of(entry->judgement.verdict), entry->name,
        width, time_text(entry->base.time_median_ns), time_text(entry->head.time_median_ns),
        change_text(*entry), reason_text(*entry));
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  text += fmt::format("\n{}\n{}\n", summary_line(comparison), comparison.method);
  const std::string note = machines_note(comparison);
  if (!note.empty()) text += note + "\n";
  return text;
}

std::string to_markdown(const Comparison& comparison) {
  std::string text = fmt::format("**{}**\n\n", summary_line(comparison));
  const std::string note = machines_note(comparison);
  if (!note.empty()) text += fmt::format("> {}\n\n", note);
  text += "| verdict | case | base | new | change of time | why |\n|---|---|--:|--:|--:|---|\n";
  std::string same;
  for (const auto* entry : by_interest(comparison)) {
    const std::string line =
        fmt::format("| {} | `{}` | {} | {} | {} | {} |\n", name_of(entry->judgement.verdict),
                    escape_pipes(entry->name), time_text(entry->base.time_median_ns),
                    time_text(entry->head.time_median_ns), change_text(*entry),
                    escape_pipes(reason_text(*entry)));
    (entry->judgement.verdict == Verdict::kSame ? same : text) += line;
  }
  if (!same.empty()) {
    text += fmt::format(
        "\n<details><summary>{} rows did not change</summary>\n\n"
        "| verdict | case | base | new | change of time | why |\n|---|---|--:|--:|--:|---|\n"
        "{}\n</details>\n",
        std::count(same.begin(), same.end(), '\n'), same);
  }
  return text + fmt::format("\n<sub>{}</sub>\n", comparison.method);
}

std::string to_json(const Comparison& comparison) {
  nlohmann::json json = {{"schema_version", 1},
                         {"base_host", comparison.base_host},
                         {"new_host", comparison.head_host},
                         {"across_machines", comparison.across_machines()},
                         {"summary", summary_line(comparison)}};
  for (const Verdict verdict :
       {Verdict::kSlower, Verdict::kFaster, Verdict::kSame, Verdict::kAmbiguous, Verdict::kMissing,
        Verdict::kNew, Verdict::kUncompared}) {
    json["counts"][std::string(name_of(verdict))] = comparison.count(verdict);
  }
  json["rows"] = nlohmann::json::array();
  for (const auto& entry : comparison.entries) json["rows"].push_back(json_of(entry));
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace sb
