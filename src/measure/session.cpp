#include "measure/session.h"

#include <algorithm>
#include <exception>
#include <memory>
#include <optional>

#include "core/registry.h"
#include "machine/affinity.h"
#include "machine/topology.h"
#include "measure/cache_state.h"
#include "measure/dump.h"
#include "measure/google_benchmark.h"
#include "measure/rounds.h"
#include "measure/row_figures.h"
#include "measure/verify.h"

namespace sb {
namespace {

// One variant of a group on its way to a row.
struct Case {
  const Variant* variant = nullptr;
  Row row;
  std::unique_ptr<Kernel> kernel;  // null once the case is out of the race
  Samples samples;
};

// Fibers have no time to take; on a GPU these clocks would take the copies for the kernel.
std::string why_not_timed(Device device) {
  if (!is_timed(device)) {
    return "fibers say nothing about time: use verify --device " + std::string(name_of(device));
  }
  if (device == Device::kCuda) return "no timing on a GPU yet: use verify --device cuda";
  return "";
}

class KernelContestant final : public Contestant {
 public:
  KernelContestant(Kernel& kernel, Rotation& rotation) : kernel_(kernel), rotation_(rotation) {}
  double sample_ns(std::int64_t iterations) override {
    return time_calls(kernel_, rotation_.sets(), rotation_.next, iterations);
  }

 private:
  Kernel& kernel_;
  Rotation& rotation_;
};

class Session {
 public:
  Session(const std::vector<Group>& groups, const RunOptions& options)
      : groups_(groups), options_(options) {}

  RunSummary run() {
    total_ = count_cases();
    for (const Group& group : groups_) {
      if (stopped()) break;
      std::vector<Case> cases = selected_cases(group);
      if (cases.empty()) continue;
      skip_what_cannot_run(group, cases);
      verify_cases(group, cases);
      if (!options_.verify_only) time_cases(group, cases);
      if (stopped()) break;  // a row is complete or absent
      hand_over(cases);
    }
    summary_.interrupted = stopped();
    return summary_;
  }

 private:
  bool stopped() const { return options_.stop != nullptr && options_.stop->load(); }

  bool selected(const Group& group, const Variant& variant) const {
    if (options_.filter && !options_.filter(case_name(group, variant))) return false;
    return !options_.done.contains(identity_of(row_of(group, variant)));
  }

  int count_cases() const {
    int count = 0;
    for (const Group& group : groups_) {
      for (const Variant* variant : group.variants) count += selected(group, *variant) ? 1 : 0;
    }
    return count;
  }

  Row row_of(const Group& group, const Variant& variant) const {
    Row row = identity_row(group, variant);
    row.run_id = options_.provenance.run_id;
    row.git_sha = options_.provenance.git_sha;
    row.compiler = options_.provenance.compiler;
    row.host = options_.provenance.host;
    if (options_.repro) row.repro = options_.repro(case_name(group, variant));
    return row;
  }

  std::vector<Case> selected_cases(const Group& group) {
    std::vector<Case> cases;
    for (const Variant* variant : group.variants) {
      if (!selected(group, *variant)) continue;
      cases.push_back({.variant = variant, .row = row_of(group, *variant)});
      ++summary_.cases;
    }
    return cases;
  }

  void skip_what_cannot_run(const Group& group, std::vector<Case>& cases) {
    for (Case& c : cases) {
      std::string why = group.op->why_not(group.problem);
      if (why.empty()) why = why_not(*c.variant, group.problem);
      if (why.empty() && !options_.verify_only) why = why_not_timed(c.variant->device);
      if (why.empty()) {
        ++summary_.runnable;
      } else {
        set_status(c.row, status::kSkipped, why);
      }
    }
  }

  // Inputs, expected answer and fences are shared by all variants of the group.
  void verify_cases(const Group& group, std::vector<Case>& cases) {
    const auto waiting = [](const Case& c) { return c.row.status.empty(); };
    if (std::none_of(cases.begin(), cases.end(), waiting)) return;
    pin_team(group.problem.threads);
    master_.emplace(group.op->tensors(group.problem));
    group.op->fill(group.problem, group.fill, group.seed, master_->operands());
    refresh_reference(group);
    for (Case& c : cases) {
      if (stopped()) return;
      progress(case_name(group, *c.variant));
      if (waiting(c)) verify_case(group, c);
    }
  }

  // The answer depends on neither thread count nor cache state: neighbours in the plan share it.
  void refresh_reference(const Group& group) {
    const std::string key = std::string(group.op->name()) + " " + group.problem.params.text() +
                            " " + std::string(name_of(group.problem.dtype)) + " " +
                            group.fill.text() + " " + std::to_string(group.seed);
    if (key == reference_key_) return;
    expected_ = group.op->reference(group.problem, master_->operands());
    reference_key_ = key;
  }

  void verify_case(const Group& group, Case& c) {
    try {
      AllocationCounter::reset_peak();
      const std::int64_t before = AllocationCounter::live();
      c.kernel = c.variant->make(group.problem);
      c.kernel->prepare(master_->operands());
      const Verification result = verify(*c.kernel, *master_, expected_);
      c.row.workspace_bytes = AllocationCounter::peak() - before;
      fill_verification(c.row, result);
      report_metrics(group, c);
      if (!options_.dump_dir.empty()) {
        dump_case(options_.dump_dir, case_name(group, *c.variant), *master_, expected_);
      }
      if (!result.passed) {
        set_status(c.row, status::kIncorrect, result.reason);
        c.kernel.reset();
      }
    } catch (const std::exception& error) {
      set_status(c.row, status::kCrashed, error.what());
      c.kernel.reset();
    }
  }

  void report_metrics(const Group& group, const Case& c) const {
    if (!options_.on_metric) return;
    for (const Metric& metric : c.kernel->metrics()) options_.on_metric(c.row, metric);
    for (const Metric& metric :
         group.op->error_metrics(group.problem, master_->operands(), expected_)) {
      options_.on_metric(c.row, metric);
    }
  }

  void time_cases(const Group& group, std::vector<Case>& cases) {
    std::vector<Case*> racing;
    for (Case& c : cases) {
      if (c.kernel) racing.push_back(&c);
    }
    if (racing.empty() || stopped()) return;
    Rotation rotation(*master_, group.cache, topology().last_level_bytes(),
                      topology().memory_bytes);
    std::vector<KernelContestant> contestants;
    contestants.reserve(racing.size());
    std::vector<Contestant*> turns;
    for (Case* c : racing) turns.push_back(&contestants.emplace_back(*c->kernel, rotation));

    const RoundsOptions rounds{.rounds = group.rounds,
                               .min_time_s = group.min_time_s,
                               .timeout_s = group.timeout_s,
                               .stopped = [this] { return stopped(); }};
    std::vector<Samples> samples = run_rounds(turns, rounds);
    for (std::size_t i = 0; i < racing.size(); ++i) {
      racing[i]->samples = std::move(samples[i]);
      fill_figures(racing[i]->row, group, *racing[i]->variant, racing[i]->samples, options_.peaks);
      if (rotation.lukewarm() && racing[i]->row.status == status::kOk) {
        racing[i]->row.reason = "memory too small to push the operands out of the last-level cache";
      }
      racing[i]->kernel.reset();
    }
    fill_ratios(group, racing);
  }

  // A ratio needs a baseline that may serve: right, timed, and below its roof.
  void fill_ratios(const Group& group, const std::vector<Case*>& racing) {
    std::vector<Contender> contenders;
    for (const Case* c : racing) {
      contenders.push_back({c->variant, &c->row, &c->samples.ns_per_call});
    }
    for (std::size_t i = 0; i < racing.size(); ++i) {
      const int baseline = baseline_of(contenders, i, group.baseline);
      if (baseline >= 0) {
        fill_speedup(racing[i]->row, contenders[static_cast<std::size_t>(baseline)],
                     racing[i]->samples.ns_per_call);
      }
    }
  }

  void hand_over(std::vector<Case>& cases) {
    for (Case& c : cases) {
      if (c.row.status.empty()) set_status(c.row, status::kOk, "");
      summary_.incorrect += c.row.status == status::kIncorrect ? 1 : 0;
      summary_.failed +=
          c.row.status == status::kCrashed || c.row.status == status::kTimeout ? 1 : 0;
      if (options_.on_row) options_.on_row(c.row);
      if (options_.on_samples && !c.samples.ns_per_call.empty()) {
        options_.on_samples(c.row, c.samples.ns_per_call);
      }
    }
  }

  void progress(const std::string& name) {
    if (options_.on_progress) options_.on_progress(begun_, total_, name);
    ++begun_;
  }

  const std::vector<Group>& groups_;
  const RunOptions& options_;
  RunSummary summary_;
  int total_ = 0;
  int begun_ = 0;
  std::optional<OperandSet> master_;
  std::string reference_key_;
  std::vector<Expected> expected_;
};

}  // namespace

RunSummary run(const std::vector<Group>& groups, const RunOptions& options) {
  return Session(groups, options).run();
}

}  // namespace sb
