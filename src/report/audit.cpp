#include <fmt/format.h>

#include "report/profile_report.h"

namespace sb {
namespace {

constexpr double kAgreement = 0.15;  // beyond this gap % of roof rests on a wrong model
constexpr double kLine = 64;         // bytes moved by a miss of the last-level cache

// Memory traffic itself, else misses of the last-level cache, which leave out prefetches by cores
// that count them apart, and write-backs.
Audit counted(const CaseProfile& profile) {
  Audit audit{.model = profile.row.bytes_algorithm.value_or(0)};
  for (const CounterValue& counter : profile.counters) {
    if (counter.name == counter::kMemoryBytes) {
      audit.counted = counter.value;
      audit.counter = counter.name;
      return audit;
    }
    if (counter.name == "llc_misses") {
      audit.counted = counter.value * kLine;
      audit.counter = "llc_misses x 64 B";
    }
  }
  return audit;
}

}  // namespace

Audit audit_of(const CaseProfile& profile) {
  Audit audit = counted(profile);
  const double allocated = audit.model + profile.bytes_written;  // ordinary stores read first
  if (audit.counter.empty()) {
    audit.verdict = "not counted";
  } else if (profile.level != "mem") {
    audit.verdict = fmt::format("operands in {}: memory need not be reached",
                                profile.level.empty() ? "an unknown level" : profile.level);
  } else if (audit.counted < audit.model * (1 - kAgreement)) {
    audit.verdict = "UNAUDITED: less than the model says";
  } else if (audit.counted <= audit.model * (1 + kAgreement)) {
    audit.verdict = "agrees";
  } else if (audit.counted <= allocated * (1 + kAgreement)) {
    audit.verdict = "agrees, with write-allocate";
  } else {
    audit.verdict = "UNAUDITED: more than the model and write-allocate explain";
  }
  return audit;
}

std::string audit_text(const std::vector<CaseProfile>& profiles, const std::string& why_not) {
  if (!why_not.empty()) return "No audit of the byte models: " + why_not + ".\n";
  std::string text = fmt::format("{:>14}{:>14}{:>10}  {:<20}{}\n", "model bytes", "counted bytes",
                                 "counted/m", "counter", "verdict and case");
  for (const CaseProfile& profile : profiles) {
    if (profile.row.status != status::kOk) continue;
    const Audit audit = audit_of(profile);
    text += fmt::format("{:>14.5g}{:>14.5g}{:>10.3f}  {:<20}{}; {}\n", audit.model, audit.counted,
                        audit.model > 0 ? audit.counted / audit.model : 0, audit.counter,
                        audit.verdict, profile.name);
  }
  return text;
}

}  // namespace sb
