// How judged claims read: text, CSV, Markdown, HTML.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "report/claims.h"
#include "report/csv_text.h"
#include "report/html.h"

namespace sb {
namespace {

std::string rounded(double value) { return fmt::format("{:.4g}", value); }

std::string interval(const Estimate& e) {
  if (e.lo == e.hi) return rounded(e.value);
  return fmt::format("{} [{}, {}]", rounded(e.value), rounded(e.lo), rounded(e.hi));
}

std::string measured(const ClaimResult& result) {
  return result.measured ? interval(*result.measured) : "";
}

std::string method(const ClaimResult& result) {
  if (!result.measured) return "";
  if (result.measured->lo == result.measured->hi) return "counted";
  return result.measured->paired ? "paired rounds" : "intervals combined";
}

std::string strongest(const ClaimResult& result) {
  if (!result.against_strongest) return "";
  return fmt::format("{} over {}", interval(*result.against_strongest), result.strongest);
}

std::string arxiv(const Claim& claim) { return claim.arxiv.empty() ? "-" : claim.arxiv; }

using Counts = std::map<ClaimVerdict, int>;
struct Paper {
  std::string name;
  Counts counts;
  int total = 0;
};

std::vector<Paper> by_paper(const std::vector<ClaimResult>& results) {
  std::vector<Paper> papers;
  for (const ClaimResult& result : results) {
    const std::string& name = result.claim->paper;
    auto it = std::find_if(papers.begin(), papers.end(),
                           [&](const Paper& paper) { return paper.name == name; });
    if (it == papers.end()) it = papers.insert(papers.end(), Paper{name, {}, 0});
    ++it->counts[result.verdict];
    ++it->total;
  }
  return papers;
}

std::string counts_text(const Counts& counts) {
  std::string text;
  for (const ClaimVerdict verdict : kClaimVerdicts) {
    const auto it = counts.find(verdict);
    if (it == counts.end()) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", it->second, name_of(verdict));
  }
  return text;
}

Counts total_of(const std::vector<Paper>& papers) {
  Counts counts;
  for (const Paper& paper : papers) {
    for (const auto& [verdict, n] : paper.counts) counts[verdict] += n;
  }
  return counts;
}

std::string size_of(const std::vector<ClaimResult>& results, const std::vector<Paper>& papers) {
  return fmt::format("{} claim{} of {} paper{}", results.size(), results.size() == 1 ? "" : "s",
                     papers.size(), papers.size() == 1 ? "" : "s");
}

// What was judged first, then what could not be compared, then what was not run.
std::vector<const ClaimResult*> judged_first(const std::vector<ClaimResult>& results) {
  std::vector<const ClaimResult*> sorted;
  for (const ClaimResult& result : results) sorted.push_back(&result);
  const auto rank = [](const ClaimResult* r) {
    return r->verdict == ClaimVerdict::kNotRun          ? 2
           : r->verdict == ClaimVerdict::kNotComparable ? 1
                                                        : 0;
  };
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&](const auto* a, const auto* b) { return rank(a) < rank(b); });
  return sorted;
}

std::vector<std::pair<std::string, std::string>> cells(const ClaimResult& r,
                                                       const ClaimPlace& place) {
  const Claim& c = *r.claim;
  return {
      {"verdict", std::string(name_of(r.verdict))},
      {"id", c.id},
      {"paper", c.paper},
      {"arxiv", arxiv(c)},
      {"source", c.source},
      {"seen", c.seen},
      {"statement", c.statement},
      {"metric", c.metric},
      {"relation", c.relation},
      {"claimed", rounded(c.value)},
      {"measured", r.measured ? rounded(r.measured->value) : ""},
      {"measured_lo", r.measured ? rounded(r.measured->lo) : ""},
      {"measured_hi", r.measured ? rounded(r.measured->hi) : ""},
      {"method", method(r)},
      {"contender", r.contender.empty() ? c.contender.text() : r.contender},
      {"baseline", r.baseline.empty() ? c.baseline.text() : r.baseline},
      {"point", r.point},
      {"strongest", r.strongest},
      {"speedup_over_strongest", r.against_strongest ? rounded(r.against_strongest->value) : ""},
      {"speedup_over_strongest_lo", r.against_strongest ? rounded(r.against_strongest->lo) : ""},
      {"speedup_over_strongest_hi", r.against_strongest ? rounded(r.against_strongest->hi) : ""},
      {"paper_hardware", c.hardware},
      {"this_hardware", place.hardware},
      {"setting", c.setting},
      {"reason", r.reason},
      {"note", c.note}};
}

std::string escape_markdown(std::string text) {
  for (std::size_t at = 0; (at = text.find_first_of("|\n", at)) != std::string::npos; ++at) {
    if (text[at] == '\n') {
      text[at] = ' ';
    } else {
      text.insert(at++, "\\");
    }
  }
  return text;
}

const char* kColumns[] = {"verdict",          "claim",   "claimed",
                          "measured here",    "kernels", "over strongest",
                          "paper's hardware", "source",  "reason, note"};

std::vector<std::string> table_cells(const ClaimResult& r) {
  const Claim& c = *r.claim;
  std::string kernels;
  if (r.measured) kernels = fmt::format("{} against {} at {}", r.contender, r.baseline, r.point);
  std::string why = r.reason;
  if (!c.note.empty() && r.verdict != ClaimVerdict::kNotRun) {
    why += (why.empty() ? "" : "; ") + c.note;
  }
  return {std::string(name_of(r.verdict)),
          fmt::format("{}: {}", c.id, c.statement),
          bound_text(c),
          r.measured ? fmt::format("{} ({})", measured(r), method(r)) : "",
          kernels,
          strongest(r),
          c.hardware,
          fmt::format("{}, arXiv {} ({})", c.source, arxiv(c), c.seen),
          why};
}

}  // namespace

std::string claims_summary(const std::vector<ClaimResult>& results, const ClaimPlace& place) {
  const std::vector<Paper> papers = by_paper(results);
  std::string text = fmt::format("{}: {}\nthis machine: {}\n", size_of(results, papers),
                                 counts_text(total_of(papers)), place.hardware);
  if (!place.made_by.empty()) text += fmt::format("made by: {}\n", place.made_by);
  for (const Paper& paper : papers) {
    text += fmt::format("  {:>3}  {}: {}\n", paper.total, paper.name, counts_text(paper.counts));
  }
  return text;
}

std::string claims_text(const std::vector<ClaimResult>& results, const ClaimPlace& place) {
  std::string text = claims_summary(results, place);
  for (const ClaimResult* r : judged_first(results)) {
    const Claim& c = *r->claim;
    text += fmt::format("\n{:<14} {}\n  {}\n", name_of(r->verdict), c.id, c.statement);
    if (r->measured) {
      text += fmt::format("  claimed   {} ({}; arXiv {}, {})\n", bound_text(c), c.hardware,
                          arxiv(c), c.source);
      text += fmt::format("  measured  {} ({})\n", measured(*r), method(*r));
      text += fmt::format("            {} against {} at {}\n", r->contender, r->baseline, r->point);
      if (r->against_strongest) text += fmt::format("  strongest {}\n", strongest(*r));
    }
    if (!r->reason.empty()) text += fmt::format("  why       {}\n", r->reason);
  }
  return text;
}

std::string claims_csv(const std::vector<ClaimResult>& results, const ClaimPlace& place) {
  std::vector<std::string> header;
  static const Claim none{};
  ClaimResult empty;
  empty.claim = &none;
  for (const auto& cell : cells(empty, place)) header.push_back(cell.first);
  std::string text = csv_record(header);
  for (const ClaimResult& result : results) {
    std::vector<std::string> fields;
    for (auto& cell : cells(result, place)) fields.push_back(std::move(cell.second));
    text += csv_record(fields);
  }
  return text;
}

std::string claims_markdown(const std::vector<ClaimResult>& results, const ClaimPlace& place) {
  const std::vector<Paper> papers = by_paper(results);
  std::string text = fmt::format("# Paper claims, judged\n\n{}: {}.\n\n", size_of(results, papers),
                                 counts_text(total_of(papers)));
  text += fmt::format("Machine: {}.\n\n", place.hardware);
  if (!place.made_by.empty()) text += fmt::format("Made by: `{}`.\n\n", place.made_by);
  text += "| paper | claims | verdicts |\n|---|--:|---|\n";
  for (const Paper& paper : papers) {
    text += fmt::format("| {} | {} | {} |\n", escape_markdown(paper.name), paper.total,
                        counts_text(paper.counts));
  }
  text += fmt::format("\n| {} |\n|", fmt::join(kColumns, " | "));
  for (std::size_t i = 0; i < std::size(kColumns); ++i) text += "---|";
  text += "\n";
  for (const ClaimResult* result : judged_first(results)) {
    text += "|";
    for (const std::string& cell : table_cells(*result)) {
      text += fmt::format(" {} |", escape_markdown(cell));
    }
    text += "\n";
  }
  return text;
}

std::string claims_html(const std::vector<ClaimResult>& results, const ClaimPlace& place) {
  const std::vector<Paper> papers = by_paper(results);
  std::string body = fmt::format(
      "<h1>Paper claims, judged</h1>\n<p>{}: {}.</p>\n<p>Machine: {}<br>Made by: {}</p>\n",
      size_of(results, papers), html_escape(counts_text(total_of(papers))),
      html_escape(place.hardware), html_escape(place.made_by));
  HtmlTable summary({"paper", "claims", "verdicts"});
  for (const Paper& paper : papers) {
    summary.add({paper.name, std::to_string(paper.total), counts_text(paper.counts)});
  }
  HtmlTable table({std::begin(kColumns), std::end(kColumns)});
  for (const ClaimResult* result : judged_first(results)) {
    std::string style(name_of(result->verdict));
    std::replace(style.begin(), style.end(), ' ', '-');
    table.add(table_cells(*result), style);
  }
  body += summary.text() + table.text();
  return html_page("Paper claims, judged", body,
                   ".CONFIRMED td:first-child,.EXCEEDED td:first-child{color:#060;font-weight:bold}"
                   ".REFUTED-HERE td:first-child{color:#a00;font-weight:bold}"
                   ".NOT-RUN td,.NOT-COMPARABLE td{color:#555}");
}

}  // namespace sb
