// The parent's side: starts workers, watches them, and turns a death into a row.
#include "cli/isolate.h"

#include <unistd.h>
#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <optional>

#include "cli/data_dir.h"
#include "cli/exit_code.h"
#include "cli/isolate_mark.h"
#include "measure/child_process.h"
#include "report/csv.h"

namespace sb {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int kCasePollMs = 10;

// How a worker ended, and what it said before.
struct Outcome {
  bool complete = false;  // reached its end
  bool stopped = false;   // by Ctrl-C
  bool timeout = false;
  int in_hand = WorkerMark::kNobody;
  std::string cause;  // "signal 11 (Segmentation fault)"
  std::string lost;   // the device's last words, where a kernel left it unusable
  std::vector<nlohmann::json> reports;
};

class CaseWorker {
 public:
  explicit CaseWorker(const nlohmann::json& job)
      : process_({program_path(), "worker"}, {{shared_mark(), kWorkerMark}}) {
    process_.write_line(job.dump());  // if it died already, watch() will say how
    process_.close_input();
  }
  ~CaseWorker() {
    munmap(mark_, sizeof(WorkerMark));
    close(mark_fd_);
  }
  CaseWorker(const CaseWorker&) = delete;
  CaseWorker& operator=(const CaseWorker&) = delete;

  // Reads reports until the worker ends, is stopped, or a case has had its time.
  Outcome watch(std::size_t cases, double timeout_s, const std::atomic<bool>* stop,
                const std::function<void(int)>& on_case) {
    std::vector<double> spent(cases, 0);
    Outcome outcome;
    auto before = Clock::now();
    while (true) {
      const bool open = receive(outcome);
      const int current = mark_->current.load();
      const auto now = Clock::now();
      if (current != WorkerMark::kNobody) {
        on_case(current);
        double& time = spent.at(static_cast<std::size_t>(current));
        time += std::chrono::duration<double>(now - before).count();
        outcome.timeout = time > timeout_s;
      }
      before = now;
      outcome.stopped = stop != nullptr && stop->load();
      if (outcome.timeout || outcome.stopped || !open) break;
    }
    outcome.in_hand = mark_->current.load();
    if (outcome.timeout || outcome.stopped) {
      process_.signal_group(SIGTERM);  // so that it can end the peers that it waits for
      process_.wait_for_end();
    } else {
      outcome.cause = cause_of_end(outcome);
    }
    return outcome;
  }

 private:
  int shared_mark() {
    mark_fd_ = memfd_create("softmax-bench-mark", MFD_CLOEXEC);
    if (mark_fd_ < 0 || ftruncate(mark_fd_, sizeof(WorkerMark)) != 0) {
      throw UsageError("no shared memory for a worker process");
    }
    mark_ = WorkerMark::map(mark_fd_);
    mark_->current = WorkerMark::kNobody;
    return mark_fd_;
  }

  // False once the worker has closed its end.
  bool receive(Outcome& outcome) {
    std::string line;
    for (int wait_ms = kCasePollMs;; wait_ms = 0) {
      const ChildProcess::Heard heard = process_.read_line(line, wait_ms);
      if (heard != ChildProcess::Heard::kLine) return heard != ChildProcess::Heard::kEnd;
      outcome.reports.push_back(nlohmann::json::parse(line));
      outcome.complete |= outcome.reports.back().contains("end");
      outcome.lost = outcome.reports.back().value("lost", outcome.lost);
    }
  }

  std::string cause_of_end(Outcome& outcome) {
    const std::string cause = process_.wait_for_end();
    outcome.complete &= process_.exited_with(0);
    return cause;
  }

  int mark_fd_ = -1;
  WorkerMark* mark_ = nullptr;
  ChildProcess process_;
};

class IsolatedRun {
 public:
  IsolatedRun(const RunOptions& options, const Selection& selection, const std::string& peaks_path)
      : options_(options) {
    job_ = {{"selection", to_json(selection)},
            {"peaks", peaks_path},
            {"run_id", options.provenance.run_id},
            {"git_sha", options.provenance.git_sha},
            {"compiler", options.provenance.compiler},
            {"host", options.provenance.host},
            {"verify_only", options.verify_only},
            {"dump_dir", options.dump_dir},
            {"probe", options.probe}};
  }

  RunSummary run(const std::vector<PlannedGroup>& groups) {
    for (const PlannedGroup& planned : groups) {
      if (planned.refused.empty()) total_ += remaining(planned.group);
    }
    for (std::size_t i = 0; i < groups.size() && !summary_.interrupted; ++i) {
      if (groups[i].refused.empty() && remaining(groups[i].group) > 0)
        run_group(i, groups[i].group);
    }
    return summary_;
  }

 private:
  bool is_done(const Group& group, const Variant& variant) const {
    return options_.done.contains(identity_of(identity_row(group, variant)));
  }
  int remaining(const Group& group) const {
    return static_cast<int>(std::count_if(group.variants.begin(), group.variants.end(),
                                          [&](const Variant* v) { return !is_done(group, *v); }));
  }

  void run_group(std::size_t index, const Group& group) {
    std::vector<bool> excluded;
    for (const Variant* variant : group.variants) excluded.push_back(is_done(group, *variant));
    std::vector<Row> casualties;
    // Each turn of the loop ends the group or takes a case out of it.
    while (std::find(excluded.begin(), excluded.end(), false) != excluded.end()) {
      job_["group"] = index;
      job_["parent"] = getpid();
      job_["excluded"] = excluded;
      CaseWorker worker(job_);
      const Outcome outcome =
          worker.watch(group.variants.size(), group.timeout_s, options_.stop, [&](int in_hand) {
            if (options_.on_progress) {
              options_.on_progress(
                  summary_.cases, total_,
                  case_name(group, *group.variants[static_cast<std::size_t>(in_hand)]));
            }
          });
      summary_.interrupted |= outcome.stopped;
      if (outcome.stopped) return;
      if (outcome.complete) {
        hand_over(outcome.reports);
        break;
      }
      blame(outcome, group, excluded, casualties);
    }
    for (const Row& row : casualties) hand_over_row(row);
  }

  // The case inside its kernel; if none was, all that are left: what failed is common to them.
  void blame(const Outcome& outcome, const Group& group, std::vector<bool>& excluded,
             std::vector<Row>& casualties) {
    for (std::size_t i = 0; i < excluded.size(); ++i) {
      const bool guilty = outcome.in_hand == WorkerMark::kNobody
                              ? !excluded[i]
                              : static_cast<std::size_t>(outcome.in_hand) == i;
      if (!guilty) continue;
      excluded[i] = true;
      Row row = identity_row(group, *group.variants[i]);
      row.run_id = options_.provenance.run_id;
      row.git_sha = options_.provenance.git_sha;
      row.compiler = compiler_of(*group.variants[i], options_.provenance.compiler);
      row.host = options_.provenance.host;
      if (options_.repro) row.repro = options_.repro(case_name(group, *group.variants[i]));
      row.status = outcome.timeout ? status::kTimeout : status::kCrashed;
      row.reason = outcome.timeout         ? fmt::format("took longer than {:g} s", group.timeout_s)
                   : !outcome.lost.empty() ? "the kernel left its device unusable: " + outcome.lost
                   : outcome.in_hand == WorkerMark::kNobody
                       ? "the worker ended outside of a kernel: " + outcome.cause
                       : "the kernel ended its process: " + outcome.cause;
      casualties.push_back(std::move(row));
    }
  }

  void hand_over(const std::vector<nlohmann::json>& reports) {
    for (const nlohmann::json& report : reports) {
      if (!report.contains("row")) continue;
      Row row = parse_rows(csv_header() + report["row"].get<std::string>(), "worker").rows.at(0);
      if (options_.repro) row.repro = options_.repro(case_name_of(row));
      if (report.contains("samples")) {
        std::vector<Sample> by_round;
        for (const nlohmann::json& s : report["samples"]) by_round.push_back({s[0], s[1]});
        if (options_.on_samples) options_.on_samples(row, by_round);
      } else if (report.contains("metric")) {
        const nlohmann::json& m = report["metric"];
        const double value = m[1].is_number() ? m[1].get<double>() : std::nan("");
        if (options_.on_metric) options_.on_metric(row, {m[0], value, m[2], m[3]});
      } else {
        hand_over_row(row);
      }
    }
  }

  static std::string case_name_of(const Row& row) {
    return fmt::format("{}/{}/{}@{}/{}/{}/t{}/{}", row.workload, row.op, row.variant, row.isa,
                       row.dtype, row.params, row.threads.value_or(0), row.cache);
  }

  void hand_over_row(const Row& row) {
    ++summary_.cases;
    summary_.runnable += row.status != status::kSkipped ? 1 : 0;
    summary_.incorrect += row.status == status::kIncorrect ? 1 : 0;
    summary_.failed += row.status == status::kCrashed || row.status == status::kTimeout ? 1 : 0;
    if (options_.on_row) options_.on_row(row);
  }

  const RunOptions& options_;
  nlohmann::json job_;
  RunSummary summary_;
  int total_ = 0;
};

}  // namespace

RunSummary run_isolated(const std::vector<PlannedGroup>& groups, const RunOptions& options,
                        const Selection& selection, const std::string& peaks_path) {
  return IsolatedRun(options, selection, peaks_path).run(groups);
}

}  // namespace sb
