#include "cli/claim_evidence.h"

#include <fmt/format.h>

#include <filesystem>
#include <map>
#include <set>
#include <utility>

#include "measure/statistics.h"
#include "report/csv.h"
#include "report/long_form.h"

namespace sb {
namespace {

namespace fs = std::filesystem;

using SamplesById = std::map<std::string, std::vector<double>>;

void refuse_duplicates(const CsvRows& rows, const std::string& file,
                       std::map<std::string, std::string>& seen) {
  for (std::size_t i = 0; i < rows.rows.size(); ++i) {
    const std::string place = fmt::format("{}:{}", file, rows.lines[i]);
    const auto [it, fresh] = seen.emplace(identity_of(rows.rows[i]) + rows.rows[i].host, place);
    if (fresh) continue;
    throw CsvError(fmt::format("{}: the same case as {}; keep one of the two", place, it->second));
  }
}

// Turns of one round stand side by side, so drift hits both; null where there are none.
std::optional<Estimate> paired_ratio(const SamplesById& samples, const Row& baseline,
                                     const Row& contender) {
  const auto base = samples.find(identity_of(baseline));
  const auto row = samples.find(identity_of(contender));
  if (base == samples.end() || row == samples.end()) return std::nullopt;
  if (baseline.workload != contender.workload || baseline.run_id != contender.run_id ||
      baseline.params != contender.params || base->second.size() != row->second.size()) {
    return std::nullopt;
  }
  const Interval interval = speedup_interval(base->second, row->second);
  return Estimate{interval.estimate, interval.lo, interval.hi, true};
}

}  // namespace

ClaimEvidence load_evidence(const std::vector<std::string>& files) {
  ClaimEvidence evidence;
  auto samples = std::make_shared<SamplesById>();
  std::map<std::string, std::string> seen;
  for (const std::string& file : files) {
    CsvRows rows = read_csv(file);
    refuse_duplicates(rows, file, seen);
    evidence.rows.insert(evidence.rows.end(), rows.rows.begin(), rows.rows.end());
    const fs::path folder = fs::path(file).parent_path();
    if (fs::exists(folder / "samples.csv")) samples->merge(read_samples(folder / "samples.csv"));
    if (fs::exists(folder / "metrics.csv")) {
      evidence.metrics.merge(read_metrics(folder / "metrics.csv"));
    }
  }
  evidence.paired = [samples](const Row& baseline, const Row& contender) {
    return paired_ratio(*samples, baseline, contender);
  };
  return evidence;
}

std::string hosts_of(const std::vector<Row>& rows) {
  std::set<std::string> hosts;
  for (const Row& row : rows) {
    if (!row.host.empty()) hosts.insert(row.host);
  }
  return fmt::format("{}", fmt::join(hosts, "; "));
}

}  // namespace sb
