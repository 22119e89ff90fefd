#include "measure/session.h"

#include <algorithm>
#include <exception>
#include <memory>
#include <optional>

#include "core/registry.h"
#include "machine/affinity.h"
#include "machine/gpu.h"
#include "machine/nvtx.h"
#include "measure/block.h"
#include "measure/contestants.h"
#include "measure/dump.h"
#include "measure/roof_probe.h"
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

// A group between its verification and its rows.
struct Race {
  const Group* group = nullptr;
  std::vector<Case> cases;
  std::unique_ptr<OperandSet> master;  // null: no case can run
  std::vector<Case*> racing;           // those with a kernel
  std::unique_ptr<Contestants> contestants;
  std::vector<RoofProbe*> probes;  // take turns after them
};

std::string why_not_timed(Device device) {
  return is_timed(device)
             ? ""
             : "fibers say nothing about time: use verify --device " + std::string(name_of(device));
}

std::vector<Sample> by_round(const Samples& samples) {
  std::vector<Sample> all;
  for (std::size_t i = 0; i < samples.ns_per_call.size(); ++i) {
    all.push_back({samples.began_s[i], samples.ns_per_call[i]});
  }
  return all;
}

class Session {
 public:
  Session(const std::vector<Group>& groups, const RunOptions& options)
      : groups_(groups), options_(options) {}

  RunSummary run() {
    const NvtxPhases phases;
    total_ = count_cases();
    for (std::size_t next = 0; next < groups_.size() && !stopped();) {
      std::vector<Race> races = prepare_block(next);
      if (!options_.verify_only) time_races(races);
      if (stopped()) break;  // a row is complete or absent
      for (Race& race : races) hand_over(race.cases);
    }
    summary_.interrupted = stopped();
    return summary_;
  }

 private:
  bool stopped() const { return options_.stop != nullptr && options_.stop->load(); }

  // The groups from `next` on that are measured together, verified. Without timing each is alone.
  std::vector<Race> prepare_block(std::size_t& next) {
    Block block(options_.spread_s);
    std::vector<Race> races;
    while (next < groups_.size() && !stopped() && block.takes(joining(groups_, next))) {
      const Group& group = groups_[next++];
      Race race{.group = &group, .cases = selected_cases(group)};
      if (race.cases.empty()) continue;
      skip_what_cannot_run(group, race.cases);
      verify_cases(race);
      block.add(group);
      races.push_back(std::move(race));
      if (options_.verify_only) break;
    }
    return races;
  }

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
    row.compiler = compiler_of(variant, options_.provenance.compiler);
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
      if (why.empty() && c.variant->device == lost_on_) why = lost_;
      if (why.empty()) {
        ++summary_.runnable;
      } else {
        set_status(c.row, status::kSkipped, why);
      }
    }
  }

  // Inputs, expected answer and fences are shared by all variants of the group.
  void verify_cases(Race& race) {
    const Group& group = *race.group;
    const auto waiting = [](const Case& c) { return c.row.status.empty(); };
    if (std::none_of(race.cases.begin(), race.cases.end(), waiting)) return;
    pin(group.problem.threads);
    race.master =
        std::make_unique<OperandSet>(group.op->tensors(group.problem), 0, memory_of(group));
    group.op->fill(group.problem, group.fill, group.seed, race.master->operands());
    refresh_reference(group, *race.master);
    for (Case& c : race.cases) {
      if (stopped()) return;
      progress(case_name(group, *c.variant));
      if (waiting(c)) verify_case(group, *race.master, c);
    }
  }

  // The answer depends on neither thread count nor cache state: neighbours in the plan share it.
  void refresh_reference(const Group& group, const OperandSet& master) {
    const std::string key = std::string(group.op->name()) + " " + group.problem.params.text() +
                            " " + std::string(name_of(group.problem.dtype)) + " " +
                            group.fill.text() + " " + std::to_string(group.seed);
    if (key == reference_key_) return;
    expected_ = {};  // before the next takes as much memory again
    reference_key_.clear();
    expected_ = group.op->reference(group.problem, master.operands());
    reference_key_ = key;
  }

  void verify_case(const Group& group, OperandSet& master, Case& c) {
    const NvtxRange range("verify " + case_name(group, *c.variant));
    try {
      AllocationCounter::reset_peak();
      const std::int64_t before = AllocationCounter::live();
      c.kernel = c.variant->make(group.problem);
      c.kernel->prepare(master.operands());
      const Verification result =
          verify(*c.kernel, master, expected_, c.variant->tolerance_factor_for(group.problem));
      c.row.workspace_bytes = AllocationCounter::peak() - before;
      fill_verification(c.row, result);
      report_metrics(group, master, c);
      if (!options_.dump_dir.empty()) {
        dump_case(options_.dump_dir, case_name(group, *c.variant), master, expected_);
      }
      if (!result.passed) {
        set_status(c.row, status::kIncorrect, result.reason);
        c.kernel.reset();
        // What it may have overwritten is not the next one's fault.
        master.put_fences();
        group.op->fill(group.problem, group.fill, group.seed, master.operands());
      }
    } catch (const DeviceLost& error) {
      set_status(c.row, status::kCrashed, error.what());
      c.kernel.reset();
      device_lost(*c.variant, error.what());
    } catch (const std::exception& error) {
      set_failure(c.row, error);
      c.kernel.reset();
    }
  }

  void pin(int threads) {
    if (threads != pinned_) pin_team(threads);
    pinned_ = threads;
  }

  void device_lost(const Variant& variant, const std::string& what) {
    lost_on_ = variant.device;
    lost_ = variant.full_name() + " left the device unusable for this process (" + what +
            "); --isolate case costs only its own row";
    if (options_.on_device_lost) options_.on_device_lost(variant, what);
  }

  void report_metrics(const Group& group, const OperandSet& master, const Case& c) const {
    if (!options_.on_metric) return;
    for (const Metric& metric : c.kernel->metrics()) options_.on_metric(c.row, metric);
    for (const Metric& metric :
         group.op->error_metrics(group.problem, master.operands(), expected_)) {
      options_.on_metric(c.row, metric);
    }
  }

  void time_races(std::vector<Race>& races) {
    std::vector<Race*> on;  // with something to time
    for (Race& race : races) {
      if (stopped()) return;
      if (line_up(race)) on.push_back(&race);
    }
    std::vector<Heat> heats;
    for (Race* race : on) heats.push_back({turns_of(*race), rounds_of(*race)});
    std::vector<std::vector<Samples>> samples = run_rounds(heats, options_.between_rounds);
    for (std::size_t i = 0; i < on.size(); ++i) take_samples(*on[i], samples[i]);
  }

  // False if no case of the group has come this far.
  bool line_up(Race& race) {
    std::vector<Entrant> entrants;
    for (Case& c : race.cases) {
      if (!c.kernel) continue;
      race.racing.push_back(&c);
      entrants.push_back({case_name(*race.group, *c.variant), c.kernel.get()});
    }
    if (entrants.empty()) return false;
    race.contestants =
        std::make_unique<Contestants>(entrants, *race.master, race.group->cache, gpu_);
    if (options_.probe && options_.peaks != nullptr) line_up_probes(race);
    return true;
  }

  void line_up_probes(Race& race) {
    pin(race.group->problem.threads);
    for (const Case* c : race.racing) {
      RoofProbe* probe = probes_.of(*race.group, *c->variant, *options_.peaks);
      if (probe == nullptr) continue;
      const auto& already = race.probes;
      if (std::find(already.begin(), already.end(), probe) == already.end()) {
        race.probes.push_back(probe);
      }
    }
  }

  static std::vector<Contestant*> turns_of(const Race& race) {
    std::vector<Contestant*> turns = race.contestants->turns();
    turns.insert(turns.end(), race.probes.begin(), race.probes.end());
    return turns;
  }

  RoundsOptions rounds_of(Race& race) {
    return {.rounds = race.group->rounds,
            .min_time_s = race.group->min_time_s,
            .timeout_s = race.group->timeout_s,
            .on_round =
                [this, &race](int round) {
                  pin(race.group->problem.threads);
                  race.contestants->begin_round(round);
                },
            .stopped = [this] { return stopped(); },
            .on_device_lost =
                [this, &race](std::size_t i, const std::string& what) {
                  device_lost(*race.racing[i]->variant, what);
                }};
  }

  void take_samples(Race& race, std::vector<Samples>& samples) {
    const std::vector<Samples> of_probes(
        samples.begin() + static_cast<std::ptrdiff_t>(race.racing.size()), samples.end());
    const std::optional<Peaks> raised = raised_peaks(race, of_probes);
    const Peaks* const peaks = raised ? &*raised : options_.peaks;
    for (std::size_t i = 0; i < race.racing.size(); ++i) {
      Case& c = *race.racing[i];
      c.samples = std::move(samples[i]);
      fill_figures(c.row, *race.group, *c.variant, c.samples, peaks);
      if (race.contestants->lukewarm(i) && c.row.status == status::kOk) {
        c.row.reason =
            "the operands may not be cold: memory too small, or size of the last-level cache "
            "unknown";
      }
      if (c.samples.rejected > 0 && options_.on_metric) {
        options_.on_metric(
            c.row, {"throttled_samples", static_cast<double>(c.samples.rejected), "", "measured"});
      }
      c.kernel.reset();
    }
    report_probes(race, of_probes);
    fill_ratios(*race.group, race.racing);
  }

  // No row is held to a ceiling that its probe went through. None: no probe ran.
  std::optional<Peaks> raised_peaks(const Race& race, const std::vector<Samples>& of_probes) const {
    if (race.probes.empty()) return std::nullopt;
    Peaks peaks = *options_.peaks;
    for (std::size_t i = 0; i < race.probes.size(); ++i) {
      peaks = raised_by(race.probes[i]->loop(), of_probes[i].ns_per_call, std::move(peaks));
    }
    return peaks;
  }

  void report_probes(const Race& race, const std::vector<Samples>& of_probes) const {
    if (!options_.on_metric) return;
    for (const Case* c : race.racing) {
      for (std::size_t i = 0; i < race.probes.size(); ++i) {
        const RoofLoop& loop = race.probes[i]->loop();
        if (loop.roof().id != c->row.roof_id) continue;
        const Cost cost = race.group->op->cost(race.group->problem);
        const double work = loop.roof().is_flops ? cost.flops : cost.bytes_compulsory;
        for (const Metric& metric :
             probe_metrics(work, c->samples.ns_per_call, loop, of_probes[i].ns_per_call)) {
          options_.on_metric(c->row, metric);
        }
      }
    }
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
        options_.on_samples(c.row, by_round(c.samples));
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
  int pinned_ = 0;  // threads of the team that was pinned last
  std::string reference_key_;
  std::vector<Expected> expected_;
  std::unique_ptr<Gpu> gpu_;  // once a kernel wanted it
  RoofProbes probes_;
  std::optional<Device> lost_on_;  // no kernel can run there any more,
  std::string lost_;               // because of this
};

}  // namespace

RunSummary run(const std::vector<Group>& groups, const RunOptions& options) {
  return Session(groups, options).run();
}

}  // namespace sb
