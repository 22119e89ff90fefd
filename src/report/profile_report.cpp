#include "report/profile_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "report/table.h"

namespace sb {
namespace {

constexpr double kNearRoof = 70;  // % from which on a phase is called bound by its roof

// GB/s, "-" where the phase claims no traffic of that direction.
std::string rate(double bytes, double ns) {
  return bytes > 0 && ns > 0 ? fmt::format("{:.1f}", bytes / ns) : "-";
}

// What binds the phase, as far as its traffic tells.
std::string binds(const PhaseTotal& phase, double percent) {
  const bool near = percent >= kNearRoof;
  if (phase.traffic.written == 0) return near ? "loads" : "";
  if (!near) return "";
  return phase.traffic.read == 0 ? "stores" : "loads and stores";
}

std::string phase_line(const PhaseTotal& phase, double share) {
  const double ns = phase.wall_ns();
  std::string roof;
  if (phase.floor_ns > 0 && ns > 0) {
    const double percent = 100 * phase.floor_ns / ns;
    roof = fmt::format("{:>5.1f} % of {}", percent, phase.roof_id);
    if (const std::string what = binds(phase, percent); !what.empty()) {
      roof += fmt::format(": bound by {}", what);
    }
  }
  std::string line =
      fmt::format("  {:<18}{:>6.1f} %{:>10}{:>9}{:>9}{:>9}{:>10}  {}", phase.name, share,
                  human_time(ns), phase.calls, phase.threads, rate(phase.traffic.read, ns),
                  rate(phase.traffic.written, ns), roof);
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

double value_of(const CaseProfile& profile, const std::string& name) {
  for (const CounterValue& counter : profile.counters) {
    if (counter.name == name) return counter.value;
  }
  return 0;
}

std::string counter_lines(const CaseProfile& profile) {
  if (profile.counted_by.empty()) return "";
  std::string text = fmt::format("  counted by {}:", profile.counted_by);
  for (const CounterValue& counter : profile.counters) {
    text += fmt::format(" {} {:.4g}{}", counter.name, counter.value,
                        counter.unit.empty() ? "" : " " + counter.unit);
    text += &counter == &profile.counters.back() ? "" : ",";
  }
  const double cycles = value_of(profile, counter::kCycles);
  if (cycles > 0) {
    text += fmt::format("; {:.2f} instructions per cycle",
                        value_of(profile, counter::kInstructions) / cycles);
  }
  return text + "\n";
}

// Threads that took part in any phase.
int threads_of(const CaseProfile& profile) {
  int threads = 1;
  for (const PhaseTotal& phase : profile.phases) threads = std::max(threads, phase.threads);
  return threads;
}

std::string phase_table(const CaseProfile& profile) {
  if (profile.phases.empty()) return "  marks no phases\n";
  std::string text = fmt::format("  {:<18}{:>8}{:>10}{:>9}{:>9}{:>9}{:>10}  {}\n", "phase", "share",
                                 "time", "calls", "threads", "GB/s in", "GB/s out", "of roof");
  double rest = 100;
  for (const PhaseTotal& phase : profile.phases) {
    const double share = 100 * phase.self_ns / (profile.marked_ns * threads_of(profile));
    rest -= share;
    text += phase_line(phase, share);
  }
  return text + fmt::format("  {:<18}{:>6.1f} %\n", "outside phases", std::max(0.0, rest));
}

}  // namespace

std::string profile_text(const CaseProfile& profile) {
  if (profile.row.status != status::kOk) return "";
  const std::string head = fmt::format(
      "{}\n  call {}; with marks {} ({:+.1f} %){}\n", profile.name, human_time(profile.call_ns),
      human_time(profile.marked_ns), 100 * (profile.marked_ns / profile.call_ns - 1),
      profile.level.empty() ? "" : "; operands in " + profile.level);
  return head + phase_table(profile) + counter_lines(profile) + "\n";
}

std::string left_out_text(const std::vector<CaseProfile>& profiles) {
  std::map<std::string, int> left_out;
  for (const CaseProfile& profile : profiles) {
    if (profile.row.status == status::kOk) continue;
    ++left_out[fmt::format("{}: {}", profile.row.status, profile.row.reason)];
  }
  std::string text;
  for (const auto& [why, count] : left_out) text += fmt::format("{} x {}\n", count, why);
  return text;
}

}  // namespace sb
