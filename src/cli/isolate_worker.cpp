// The worker process: one group, measured by the ordinary session, with a mark around each kernel.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include <csignal>
#include <deque>
#include <iostream>
#include <iterator>
#include <memory>

#include "cli/isolate.h"
#include "cli/isolate_mark.h"
#include "cli/roofs.h"
#include "measure/child_process.h"
#include "report/csv.h"

namespace sb {
namespace {

// Says who is in hand; costs two stores per call, which only isolated runs pay.
class InHand {
 public:
  InHand(WorkerMark& mark, int index) : mark_(mark) {
    mark_.current.store(index, std::memory_order_relaxed);
  }
  ~InHand() { mark_.current.store(WorkerMark::kNobody, std::memory_order_relaxed); }
  InHand(const InHand&) = delete;
  InHand& operator=(const InHand&) = delete;

 private:
  WorkerMark& mark_;
};

class MarkedKernel final : public Kernel, public DeviceWork {
 public:
  MarkedKernel(std::unique_ptr<Kernel> kernel, WorkerMark& mark, int index)
      : kernel_(std::move(kernel)), mark_(mark), index_(index) {}

  void prepare(const Operands& operands) override {
    const InHand in_hand(mark_, index_);
    kernel_->prepare(operands);
  }
  void run(const Operands& operands) override {
    const InHand in_hand(mark_, index_);
    kernel_->run(operands);
  }
  std::vector<Metric> metrics() const override { return kernel_->metrics(); }
  std::string own_timer() const override { return kernel_->own_timer(); }
  double run_timed(const std::vector<Operands>& sets, std::size_t first,
                   std::int64_t iterations) override {
    const InHand in_hand(mark_, index_);
    return kernel_->run_timed(sets, first, iterations);
  }

  DeviceWork* device_work() override { return kernel_->device_work() != nullptr ? this : nullptr; }
  // In hand until another kernel is: the clock waits for what this one has enqueued.
  void enqueue(const Operands& on_device, void* stream) override {
    mark_.current.store(index_, std::memory_order_relaxed);
    kernel_->device_work()->enqueue(on_device, stream);
  }

 private:
  std::unique_ptr<Kernel> kernel_;
  WorkerMark& mark_;
  int index_;
};

Variant marked(const Variant& variant, WorkerMark& mark, int index) {
  Variant copy = variant;
  copy.make = [make = variant.make, &mark, index](const Problem& problem) {
    const InHand in_hand(mark, index);
    return std::make_unique<MarkedKernel>(make(problem), mark, index);
  };
  return copy;
}

void report(const nlohmann::json& message) {
  const std::string line = message.dump() + "\n";
  for (std::size_t written = 0; written < line.size();) {
    const ssize_t n = write(ChildProcess::kReplies, line.data() + written, line.size() - written);
    if (n < 0) std::_Exit(1);  // nobody listens any more
    written += static_cast<std::size_t>(n);
  }
}

RunOptions options_from(const nlohmann::json& job, const std::optional<Peaks>& peaks) {
  RunOptions options;
  options.provenance = {job.at("run_id"), job.at("git_sha"), job.at("compiler"), job.at("host")};
  options.peaks = peaks ? &*peaks : nullptr;
  options.probe = job.at("probe");
  options.verify_only = job.at("verify_only");
  options.dump_dir = job.at("dump_dir");
  options.on_row = [](const Row& row) { report({{"row", csv_row(row)}}); };
  options.on_samples = [](const Row& row, const std::vector<Sample>& by_round) {
    nlohmann::json samples = nlohmann::json::array();
    for (const Sample& sample : by_round) samples.push_back({sample.began_s, sample.time_ns});
    report({{"row", csv_row(row)}, {"samples", samples}});
  };
  options.on_metric = [](const Row& row, const Metric& m) {
    Row judged = row;  // metrics come before the verdict, and the reader wants a status
    judged.status = status::kOk;
    report({{"row", csv_row(judged)}, {"metric", {m.name, m.value, m.unit, m.source}}});
  };
  return options;
}

}  // namespace

int worker_main() {
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // no orphans when the parent is killed
  // A peer of ours that held the parent's descriptors would keep it waiting for our end.
  for (const int fd : {ChildProcess::kReplies, kWorkerMark}) fcntl(fd, F_SETFD, FD_CLOEXEC);
  const std::string text{std::istreambuf_iterator<char>(std::cin), {}};
  const nlohmann::json job = nlohmann::json::parse(text);
  // A parent that died before the prctl took hold sends no signal any more.
  if (getppid() != job.at("parent").get<pid_t>()) return 2;  // nobody reads it
  Plan plan = plan_of(selection_from(job.at("selection")));
  Group group = plan.groups.at(job.at("group").get<std::size_t>()).group;

  WorkerMark& mark = *WorkerMark::map(kWorkerMark);
  std::deque<Variant> variants;
  const std::vector<bool> excluded = job.at("excluded");
  const std::vector<const Variant*> original = group.variants;
  std::vector<const Variant*> selected;
  for (std::size_t i = 0; i < group.variants.size(); ++i) {
    if (excluded.at(i)) continue;
    selected.push_back(
        &variants.emplace_back(marked(*group.variants[i], mark, static_cast<int>(i))));
  }
  group.variants = selected;

  std::optional<Peaks> peaks;
  if (const std::string path = job.at("peaks"); !path.empty()) peaks = read_roofs(path);
  RunOptions options = options_from(job, peaks);
  // This process can do nothing more on the device: ends as if the kernel had ended it.
  options.on_device_lost = [&](const Variant& variant, const std::string& what) {
    for (std::size_t i = 0; i < original.size(); ++i) {
      if (original[i]->full_name() == variant.full_name()) {
        mark.current.store(static_cast<int>(i), std::memory_order_relaxed);
      }
    }
    report({{"lost", what}});
    std::_Exit(1);
  };
  run({group}, options);
  report({{"end", true}});
  return 0;
}

}  // namespace sb
