// The parent's side: starts workers, watches them, and turns a death into a row.
#include "cli/isolate.h"

#include <unistd.h>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstring>
#include <optional>

#include "cli/data_dir.h"
#include "cli/exit_code.h"
#include "cli/isolate_mark.h"
#include "report/csv.h"

extern char** environ;

namespace sb {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int kPollMs = 10;

struct Pipe {
  int read_end = -1;
  int write_end = -1;

  Pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) throw UsageError("no pipe for a worker process");
    read_end = ends[0];
    write_end = ends[1];
  }
  ~Pipe() {
    close_write();
    if (read_end >= 0) close(read_end);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  void close_write() {
    if (write_end >= 0) close(write_end);
    write_end = -1;
  }
};

// How a worker ended, and what it said before.
struct Outcome {
  bool complete = false;  // reached its end
  bool stopped = false;   // by Ctrl-C
  bool timeout = false;
  int in_hand = WorkerMark::kNobody;
  std::string cause;  // "signal 11 (Segmentation fault)"
  std::vector<nlohmann::json> reports;
};

class Worker {
 public:
  explicit Worker(const nlohmann::json& job) {
    mark_fd_ = memfd_create("softmax-bench-mark", MFD_CLOEXEC);
    if (mark_fd_ < 0 || ftruncate(mark_fd_, sizeof(WorkerMark)) != 0) {
      throw UsageError("no shared memory for a worker process");
    }
    mark_ = WorkerMark::map(mark_fd_);
    mark_->current = WorkerMark::kNobody;
    start();
    send(job.dump());
  }
  ~Worker() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    munmap(mark_, sizeof(WorkerMark));
    close(mark_fd_);
  }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

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
    if (!outcome.timeout && !outcome.stopped) outcome.cause = cause_of_end(outcome);
    return outcome;
  }

 private:
  void start() {
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, job_.read_end, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);  // a kernel may chat
    // Through high numbers, because a source may be a target of the other.
    posix_spawn_file_actions_adddup2(&files, reports_.write_end, 100);
    posix_spawn_file_actions_adddup2(&files, mark_fd_, 101);
    posix_spawn_file_actions_adddup2(&files, 100, kWorkerReports);
    posix_spawn_file_actions_adddup2(&files, 101, kWorkerMark);
    posix_spawn_file_actions_addclose(&files, 100);
    posix_spawn_file_actions_addclose(&files, 101);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETPGROUP);  // Ctrl-C is the parent's to judge
    std::string program = program_path();
    std::string command = "worker";
    char* const argv[] = {program.data(), command.data(), nullptr};
    const int error = posix_spawn(&pid_, program.c_str(), &files, &attributes, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    if (error != 0) throw UsageError(fmt::format("{}: {}", program, std::strerror(error)));
    reports_.close_write();
  }

  void send(const std::string& text) {
    for (std::size_t written = 0; written < text.size();) {
      const ssize_t n = write(job_.write_end, text.data() + written, text.size() - written);
      if (n < 0 && errno != EINTR) break;  // it died already; watch() will say how
      if (n > 0) written += static_cast<std::size_t>(n);
    }
    job_.close_write();
  }

  // False once the worker has closed its end.
  bool receive(Outcome& outcome) {
    pollfd waiting{.fd = reports_.read_end, .events = POLLIN, .revents = 0};
    if (poll(&waiting, 1, kPollMs) <= 0) return true;
    char bytes[1 << 16];
    const ssize_t n = read(reports_.read_end, bytes, sizeof bytes);
    if (n < 0) return errno == EINTR;
    buffer_.append(bytes, static_cast<std::size_t>(n));
    for (std::size_t end; (end = buffer_.find('\n')) != std::string::npos;) {
      outcome.reports.push_back(nlohmann::json::parse(buffer_.substr(0, end)));
      outcome.complete |= outcome.reports.back().contains("end");
      buffer_.erase(0, end + 1);
    }
    return n > 0;
  }

  std::string cause_of_end(Outcome& outcome) {
    int status = 0;
    waitpid(pid_, &status, 0);
    if (WIFSIGNALED(status)) {
      outcome.complete = false;
      return fmt::format("signal {} ({})", WTERMSIG(status), strsignal(WTERMSIG(status)));
    }
    outcome.complete &= WEXITSTATUS(status) == 0;
    return fmt::format("exit status {}", WEXITSTATUS(status));
  }

  Pipe job_;
  Pipe reports_;
  int mark_fd_ = -1;
  WorkerMark* mark_ = nullptr;
  pid_t pid_ = -1;
  std::string buffer_;
};

class IsolatedRun {
 public:
  IsolatedRun(const RunOptions& options, const Selection& selection, const std::string& peaks_path)
      : options_(options) {
    job_ = {{"selection", to_json(selection)},         {"peaks", peaks_path},
            {"run_id", options.provenance.run_id},     {"git_sha", options.provenance.git_sha},
            {"compiler", options.provenance.compiler}, {"host", options.provenance.host},
            {"verify_only", options.verify_only},      {"dump_dir", options.dump_dir}};
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
      Worker worker(job_);
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
      row.compiler = options_.provenance.compiler;
      row.host = options_.provenance.host;
      if (options_.repro) row.repro = options_.repro(case_name(group, *group.variants[i]));
      row.status = outcome.timeout ? status::kTimeout : status::kCrashed;
      row.reason = outcome.timeout ? fmt::format("took longer than {:g} s", group.timeout_s)
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
        if (options_.on_samples) options_.on_samples(row, report["samples"]);
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
