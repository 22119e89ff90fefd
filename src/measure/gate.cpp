#include "measure/gate.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <optional>
#include <thread>

namespace sb {
namespace {

constexpr std::int64_t kMostIterations = std::int64_t{1} << 30;

// Idle OpenMP threads of the other side spin for a moment before they sleep.
constexpr auto kSettle = std::chrono::milliseconds(3);

// A case that both plans hold, and where it stands in each.
struct Shared {
  GateRow* row = nullptr;
  std::size_t base = 0, head = 0;
};

class Gate {
 public:
  explicit Gate(const GateOptions& options) : options_(options) {}

  GateRun run() {
    for (int pair = 0; pair < options_.pairs && !stopped();) {
      if (play_pair(pair)) ++pair;
    }
    GateRun result;
    for (const std::string& name : order_) result.rows.push_back(std::move(rows_[name]));
    result.interrupted = stopped();
    return result;
  }

 private:
  bool stopped() const { return options_.stop != nullptr && options_.stop->load(); }

  // False if a launch died: the pair has to begin again, without the case it died on.
  bool play_pair(int pair) {
    pair_ = pair;
    pending_.clear();
    const bool base_first = pair % 2 == 0;
    launch(base_first ? Side::kBase : Side::kHead);
    launch(base_first ? Side::kHead : Side::kBase);
    const std::vector<GateGroup> base_plan = base_->plan();
    const std::vector<GateGroup> head_plan = head_->plan();
    note_cases(base_plan, head_plan);
    bool whole = true;
    for (std::size_t g = 0; whole && g < base_plan.size() && !stopped(); ++g) {
      whole = play_group(base_plan, head_plan, g);
    }
    base_.reset();
    head_.reset();
    if (!whole || stopped()) return false;
    for (auto& [row, result] : pending_) {
      row->log_ratios.push_back(result.log_ratio);
      row->base_ns.push_back(result.base_ns);
      row->head_ns.push_back(result.head_ns);
    }
    return true;
  }

  void launch(Side side) { (side == Side::kBase ? base_ : head_) = options_.launch(side); }

  bool wanted(const std::string& name) const {
    return options_.only.empty() || options_.only.count(name) != 0;
  }

  GateRow& row_of(const std::string& name) {
    const auto [it, fresh] = rows_.emplace(name, GateRow{});
    if (fresh) {
      it->second.name = name;
      order_.push_back(name);
    }
    return it->second;
  }

  // Cases of either plan become rows; what only one side has is that side's fault.
  void note_cases(const std::vector<GateGroup>& base, const std::vector<GateGroup>& head) {
    if (pair_ > 0 || !order_.empty()) return;
    const std::map<std::string, Device> in_base = cases_of(base), in_head = cases_of(head);
    for (const GateGroup& group : base) {
      for (const GateCase& c : group.cases) {
        if (wanted(c.name)) row_of(c.name);
      }
    }
    for (const auto& [name, device] : in_base) {
      if (!wanted(name) || in_head.contains(name)) continue;
      row_of(name).head_fault = why_missing(*head_, "head", device);
    }
    for (const auto& [name, device] : in_head) {
      if (!wanted(name) || in_base.contains(name)) continue;
      row_of(name).base_fault = why_missing(*base_, "base", device);
    }
  }

  static std::map<std::string, Device> cases_of(const std::vector<GateGroup>& plan) {
    std::map<std::string, Device> cases;
    for (const GateGroup& group : plan) {
      for (const GateCase& c : group.cases) cases[c.name] = c.device;
    }
    return cases;
  }

  static std::string why_missing(GateLaunch& side, const std::string& name, Device device) {
    const std::string why = side.why_without(device);
    return why.empty() ? "missing: the " + name + " build has no such case" : "no device: " + why;
  }

  bool play_group(const std::vector<GateGroup>& base_plan, const std::vector<GateGroup>& head_plan,
                  std::size_t g) {
    std::vector<Shared> shared = shared_cases(base_plan[g], head_plan);
    if (shared.empty()) return true;
    if (options_.on_progress) {
      options_.on_progress(pair_, options_.pairs, shared.front().row->name);
    }
    if (!prepare(g, shared)) return false;
    std::erase_if(shared, [](const Shared& s) { return broken(*s.row); });
    return play_rounds(base_plan[g], shared);
  }

  static bool broken(const GateRow& row) {
    return !row.base_fault.empty() || !row.head_fault.empty();
  }

  std::vector<Shared> shared_cases(const GateGroup& base, const std::vector<GateGroup>& head_plan) {
    std::vector<Shared> shared;
    for (std::size_t i = 0; i < base.cases.size(); ++i) {
      const GateCase& c = base.cases[i];
      if (!wanted(c.name) || broken(row_of(c.name))) continue;
      GateRow& row = row_of(c.name);
      if (!c.why_skipped.empty()) row.base_fault = "skipped: " + c.why_skipped;
      for (std::size_t g = 0; g < head_plan.size(); ++g) {
        for (std::size_t j = 0; j < head_plan[g].cases.size(); ++j) {
          if (head_plan[g].cases[j].name != c.name) continue;
          if (!head_plan[g].cases[j].why_skipped.empty()) {
            row.head_fault = "skipped: " + head_plan[g].cases[j].why_skipped;
          }
          head_group_ = g;
          if (!broken(row)) shared.push_back({&row, i, j});
        }
      }
    }
    return shared;
  }

  // Answers are checked in the first pair only: the builds do not change between launches.
  bool prepare(std::size_t base_group, const std::vector<Shared>& shared) {
    std::vector<std::size_t> base_cases, head_cases;
    for (const Shared& s : shared) {
      base_cases.push_back(s.base);
      head_cases.push_back(s.head);
    }
    const bool verify = pair_ == 0;
    const auto one = [&](GateLaunch& side, std::size_t group, const std::vector<std::size_t>& cases,
                         std::string GateRow::*fault) {
      const std::vector<std::string> faults = side.prepare(group, cases, verify);
      for (std::size_t i = 0; i < shared.size(); ++i) shared[i].row->*fault = faults.at(i);
    };
    return guarded(shared, &GateRow::base_fault,
                   [&] { one(*base_, base_group, base_cases, &GateRow::base_fault); }) &&
           guarded(shared, &GateRow::head_fault,
                   [&] { one(*head_, head_group_, head_cases, &GateRow::head_fault); });
  }

  // The case in hand is to blame; if that can't be told, all that were to be prepared.
  template <typename F>
  static bool guarded(const std::vector<Shared>& shared, std::string GateRow::*fault, F&& action) {
    try {
      action();
      return true;
    } catch (const LaunchDied& error) {
      for (std::size_t i = 0; i < shared.size(); ++i) {
        if (error.is_guilty(i)) shared[i].row->*fault = std::string("crashed: ") + error.what();
      }
      return false;
    }
  }

  using Sample = double (GateLaunch::*)(std::size_t which_case, std::int64_t iterations);

  std::optional<double> sample(Side side, const Shared& s, std::int64_t iterations,
                               Sample take = &GateLaunch::sample_ns) {
    const bool base = side == Side::kBase;
    std::string& fault = base ? s.row->base_fault : s.row->head_fault;
    const auto extra = static_cast<std::int64_t>(
        base ? 0 : std::llround(static_cast<double>(iterations) * options_.planted));
    try {
      GateLaunch& launch = base ? *base_ : *head_;
      return (launch.*take)(base ? s.base : s.head, iterations + extra);
    } catch (const LaunchDied& error) {
      fault = std::string("crashed: ") + error.what();
      died_ = true;
    } catch (const std::exception& error) {
      fault = std::string("crashed: ") + error.what();
    }
    return std::nullopt;
  }

  // One number of calls for both sides and all pairs. A planted share needs enough calls to show.
  void calibrate(const GateGroup& group, const Shared& s) {
    if (s.row->iterations > 0) return;
    const auto least =
        static_cast<std::int64_t>(options_.planted > 0 ? std::ceil(1 / options_.planted) : 1);
    const double target_ns = group.min_time_s * 1e9;
    std::int64_t iterations = 1;
    std::optional<double> ns = sample(Side::kBase, s, iterations);
    while (ns && *ns < target_ns && iterations < kMostIterations) {
      const double factor = std::clamp(1.1 * target_ns / std::max(*ns, 1.0), 2.0, 64.0);
      iterations = static_cast<std::int64_t>(std::ceil(static_cast<double>(iterations) * factor));
      ns = sample(Side::kBase, s, iterations);
    }
    s.row->iterations = std::max(iterations, least);
  }

  struct Rounds {
    std::vector<double> base, head, log_ratio;
  };

  bool play_rounds(const GateGroup& group, const std::vector<Shared>& shared) {
    died_ = false;
    std::vector<Rounds> rounds(shared.size());
    for (const Shared& s : shared) {
      calibrate(group, s);
      if (died_) return false;
      for (const Side side : {Side::kBase, Side::kHead}) {  // page faults, clocks, a GPU's code
        sample(side, s, s.row->iterations, &GateLaunch::warm_up_ns);
      }
      if (died_) return false;
    }
    for (int round = 0; round < options_.policy.rounds && !stopped(); ++round) {
      for (std::size_t i = 0; i < shared.size(); ++i) {
        play_round(group, shared[i], (round + pair_) % 2 == 0, rounds[i]);
        if (died_) return false;
      }
    }
    for (std::size_t i = 0; i < shared.size(); ++i) {
      if (rounds[i].log_ratio.empty() || broken(*shared[i].row)) continue;
      pending_[shared[i].row] = {median(rounds[i].log_ratio), median(rounds[i].base),
                                 median(rounds[i].head)};
    }
    return true;
  }

  void play_round(const GateGroup& group, const Shared& s, bool base_first, Rounds& rounds) {
    if (broken(*s.row)) return;
    const auto turn = [&](Side side) {
      if (group.threads > 1) std::this_thread::sleep_for(kSettle);
      return sample(side, s, s.row->iterations);
    };
    const auto first = turn(base_first ? Side::kBase : Side::kHead);
    const auto second = turn(base_first ? Side::kHead : Side::kBase);
    if (!first || !second || *first <= 0 || *second <= 0) return;
    const double calls = static_cast<double>(s.row->iterations);
    const double base = (base_first ? *first : *second) / calls;
    const double head = (base_first ? *second : *first) / calls;
    rounds.base.push_back(base);
    rounds.head.push_back(head);
    rounds.log_ratio.push_back(std::log(head / base));
  }

  struct PairResult {
    double log_ratio = 0, base_ns = 0, head_ns = 0;
  };

  const GateOptions& options_;
  std::unique_ptr<GateLaunch> base_, head_;
  std::map<std::string, GateRow> rows_;
  std::vector<std::string> order_;
  std::map<GateRow*, PairResult> pending_;  // of the pair in hand: kept only if it is whole
  std::size_t head_group_ = 0;
  int pair_ = 0;
  bool died_ = false;
};

}  // namespace

Interval GateRow::interval(double confidence) const {
  return log_ratios.empty() ? Interval{} : median_interval(log_ratios, confidence);
}

GateRun run_gate(const GateOptions& options) { return Gate(options).run(); }

GateRun run_gate_and_confirm(GateOptions options,
                             const std::function<bool(const GateRow&)>& flagged) {
  options.pairs = options.policy.launch_pairs;
  GateRun first = run_gate(options);
  options.only.clear();
  for (const GateRow& row : first.rows) {
    if (flagged(row)) options.only.insert(row.name);
  }
  if (options.only.empty() || first.interrupted) return first;
  options.pairs = options.policy.rerun_pairs;
  GateRun second = run_gate(options);
  first.interrupted = second.interrupted;
  for (GateRow& again : second.rows) {
    const auto it = std::find_if(first.rows.begin(), first.rows.end(),
                                 [&](const GateRow& row) { return row.name == again.name; });
    if (it == first.rows.end()) continue;
    again.rerun = true;
    *it = std::move(again);
  }
  return first;
}

}  // namespace sb
