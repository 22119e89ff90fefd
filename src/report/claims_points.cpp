// Which rows belong to a claim, and which stand against which.
#include "report/claims_points.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "core/registry.h"

namespace sb {
namespace {

std::map<std::string, std::string> params_of(const Row& row) {
  std::map<std::string, std::string> params;
  std::size_t begin = 0;
  while (begin < row.params.size()) {
    const std::size_t end = std::min(row.params.find(';', begin), row.params.size());
    const std::string pair = row.params.substr(begin, end - begin);
    const std::size_t equals = pair.find('=');
    if (equals != std::string::npos) params[pair.substr(0, equals)] = pair.substr(equals + 1);
    begin = end + 1;
  }
  return params;
}

bool contains(const std::vector<std::string>& list, const std::string& word) {
  return list.empty() || std::find(list.begin(), list.end(), word) != list.end();
}

bool names_row(const ClaimSide& side, const Row& row) {
  const std::vector<std::string> globs = side.globs();
  return std::any_of(globs.begin(), globs.end(), [&](const std::string& glob) {
    return glob_match(glob, row.variant) || glob_match(glob, row.variant + "@" + row.isa);
  });
}

bool belongs(const Row& row, const ClaimRun& run, const std::set<std::string>& free_params) {
  if (row.op != run.op || !contains(run.dtypes, row.dtype)) return false;
  return std::all_of(run.values.begin(), run.values.end(), [&](const auto& pair) {
    if (free_params.count(pair.first) != 0) return true;
    return contains(pair.second, param_of(row, pair.first));
  });
}

bool has_run_for(const Claim& claim, const Row& row, const std::set<std::string>& free_params) {
  const auto& runs = row.device == "cuda" ? claim.run_cuda : claim.run;
  return std::any_of(runs.begin(), runs.end(),
                     [&](const ClaimRun& run) { return belongs(row, run, free_params); });
}

double number_of(const std::string& text) {
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

bool is_timed(const Row& row) {
  return (row.status == status::kOk || row.status == status::kNoisy) && row.time_median_ns;
}

// Rows that differ only in what the two sides may differ in share a key.
std::string key_of(const Claim& claim, const Row& row, const std::set<std::string>& free_params,
                   bool ops_differ) {
  std::string params;
  for (const auto& [name, value] : params_of(row)) {
    if (free_params.count(name) == 0) params += fmt::format("{};{}={}", params, name, value);
  }
  const bool free_op = ops_differ || claim.together;
  return fmt::format("{}|{}|{}|{}|{}|{}|{}|{}", free_op ? "" : row.workload, free_op ? "" : row.op,
                     row.device, row.dtype, params, row.threads.value_or(0), row.cache, row.host);
}

using Candidates = std::vector<const Row*>;

// Of each operation the fastest row; empty if the sides are summed and one operation is missing.
SidePoint fastest(const Candidates& rows, std::size_t ops) {
  std::map<std::string, const Row*> best;
  for (const Row* row : rows) {
    const Row*& slot = best[row->op];
    if (slot == nullptr || *row->time_median_ns < *slot->time_median_ns) slot = row;
  }
  SidePoint point;
  if (best.size() < ops) return point;
  for (const auto& [op, row] : best) point.rows.push_back(row);
  return point;
}

class Matcher {
 public:
  Matcher(const Claim& claim, const ClaimEvidence& evidence, const ClaimPlace& place)
      : claim_(claim), evidence_(evidence), place_(place) {
    for (const auto* side : {&claim.contender, &claim.baseline}) {
      for (const auto& [name, value] : side->params) free_params_.insert(name);
      if (!side->op.empty()) ops_differ_ = true;
    }
    if (claim.together) {
      std::set<std::string> ops;
      for (const ClaimRun& run : claim.run) ops.insert(run.op);
      for (const ClaimRun& run : claim.run_cuda) ops.insert(run.op);
      ops_ = ops.size();
    }
  }

  ClaimPoints match() {
    collect();
    ClaimPoints result;
    for (const auto& [key, rows] : groups_) add_point(rows, result.points);
    if (result.points.empty()) explain(result);
    return result;
  }

 private:
  void collect() {
    for (const Row& row : evidence_.rows) {
      if (!has_run_for(claim_, row, free_params_)) continue;
      ++seen_;
      const std::string condition = unmet_condition(claim_.needs, row, place_);
      if (!condition.empty()) {
        unmet_ = condition;
      } else if (!is_timed(row)) {
        if (is_on_side(claim_.contender, row) || is_on_side(claim_.baseline, row)) {
          failed_ = fmt::format("{}@{}: {}{}{}", row.variant, row.isa, row.status,
                                row.reason.empty() ? "" : ", ", row.reason);
        }
      } else {
        groups_[key_of(claim_, row, free_params_, ops_differ_)].push_back(&row);
      }
    }
  }

  void add_point(const Candidates& rows, std::vector<ClaimPoint>& points) {
    Candidates contenders, baselines, others;
    for (const Row* row : rows) {
      if (is_on_side(claim_.contender, *row)) contenders.push_back(row);
    }
    ClaimPoint point;
    point.contender = fastest(contenders, ops_);
    if (point.contender.rows.empty()) return;
    const Row& first = *point.contender.rows.front();
    for (const Row* row : rows) {
      const bool same_kernel = row->variant == first.variant;
      if (is_on_side(claim_.baseline, *row)) baselines.push_back(row);
      if (!same_kernel && !ops_differ_ && free_params_.empty()) others.push_back(row);
    }
    point.baseline = fastest(baselines, ops_);
    if (claim_.baseline.ours() && point.baseline.rows.empty()) return;
    if (!claim_.strongest.text().empty()) point.strongest = fastest(others, ops_);
    point.params = first.params;
    point.where = fmt::format("{}/{}/t{}/{}", first.dtype, first.params, first.threads.value_or(0),
                              first.cache);
    points.push_back(std::move(point));
  }

  void explain(ClaimPoints& result) const {
    if (seen_ > 0 && groups_.empty() && !unmet_.empty()) {
      result.none_because = unmet_;
      result.unmet = true;
    } else if (!failed_.empty()) {
      result.none_because = "no time on one side: " + failed_;
    } else if (!groups_.empty()) {
      result.none_because = fmt::format("the rows hold no pair of {} and {} at one point",
                                        claim_.contender.text(), claim_.baseline.text());
    } else {
      result.none_because =
          "no rows of its workload: measure them with `softmax-bench claims --run`";
    }
  }

  const Claim& claim_;
  const ClaimEvidence& evidence_;
  const ClaimPlace& place_;
  std::set<std::string> free_params_;
  bool ops_differ_ = false;
  std::size_t ops_ = 1;
  std::map<std::string, Candidates> groups_;
  int seen_ = 0;
  std::string unmet_, failed_;
};

double sum(const std::vector<const Row*>& rows, Number Row::*member) {
  double total = 0;
  for (const Row* row : rows) total += (row->*member).value_or(*row->time_median_ns);
  return total;
}

}  // namespace

std::string unmet_condition(const ClaimConditions& needs, const Row& row, const ClaimPlace& place) {
  if (!contains(needs.device, row.device)) {
    return fmt::format("device must be {}, is {}", fmt::join(needs.device, " or "), row.device);
  }
  if (!contains(needs.cache, row.cache)) {
    return fmt::format("cache state must be {}, is {}", fmt::join(needs.cache, " or "), row.cache);
  }
  if (!contains(needs.dtype, row.dtype)) {
    return fmt::format("dtype must be {}, is {}", fmt::join(needs.dtype, " or "), row.dtype);
  }
  if (needs.threads && row.threads != *needs.threads) {
    return fmt::format("threads must be {}, are {}", *needs.threads, row.threads.value_or(0));
  }
  for (const auto& [name, ends] : needs.range) {
    const double value = number_of(param_of(row, name));
    if (value < ends.first || value > ends.second) {
      return fmt::format("{} must lie in [{}, {}], is {}", name, ends.first, ends.second, value);
    }
  }
  if (!needs.out_of_cache) return "";
  if (place.last_level_bytes <= 0) return "must be out of cache, but no cache size is known here";
  const double bytes = row.bytes_compulsory.value_or(0);
  if (bytes > place.last_level_bytes) return "";
  return fmt::format("must be out of cache: {:.0f} MiB of operands, last-level cache {:.0f} MiB",
                     bytes / (1 << 20), place.last_level_bytes / (1 << 20));
}

bool is_on_side(const ClaimSide& side, const Row& row) {
  const auto agrees = [&](const auto& pair) { return param_of(row, pair.first) == pair.second; };
  return side.ours() && (side.op.empty() || side.op == row.op) && names_row(side, row) &&
         std::all_of(side.params.begin(), side.params.end(), agrees);
}

std::string param_of(const Row& row, const std::string& name) {
  const auto params = params_of(row);
  const auto it = params.find(name);
  if (it != params.end()) return it->second;
  const Operation* op = Registry::instance().find_operation(row.op);
  if (op == nullptr) return "";
  for (const ParamSpec& spec : op->params()) {
    if (spec.name == name) return spec.default_value;
  }
  return "";
}

double SidePoint::median_ns() const { return sum(rows, &Row::time_median_ns); }
double SidePoint::lo_ns() const { return sum(rows, &Row::time_lo_ns); }
double SidePoint::hi_ns() const { return sum(rows, &Row::time_hi_ns); }

std::string SidePoint::name() const {
  return rows.empty() ? "" : rows.front()->variant + "@" + rows.front()->isa;
}

ClaimPoints points_of(const Claim& claim, const ClaimEvidence& evidence, const ClaimPlace& place) {
  return Matcher(claim, evidence, place).match();
}

}  // namespace sb
