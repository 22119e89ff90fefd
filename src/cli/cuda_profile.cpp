#include "cli/cuda_profile.h"

#include <fmt/format.h>

#include <exception>
#include <memory>

#include "cli/counted_profile.h"
#include "machine/gpu_counters.h"
#include "report/long_form.h"

namespace sb {
namespace {

// Opened after the first case was verified: there is a context then.
class Counters {
 public:
  std::vector<CounterValue> of_call(PreparedGroup& prepared, std::size_t which) {
    if (!asked_) source_ = open_gpu_counters(why_not_);
    asked_ = true;
    if (!source_) return {};
    try {
      source_->start();
      prepared.call(which);
      return source_->stop();
    } catch (const std::exception& error) {
      why_not_ = error.what();
      source_.reset();  // a session that broke off is of no use to the next case
      return {};
    }
  }
  const std::string& why_not() const { return why_not_; }

 private:
  bool asked_ = false;
  std::unique_ptr<CounterSource> source_;
  std::string why_not_;
};

std::string text_of(const Group& group, const Variant& variant,
                    const std::vector<CounterValue>& counted) {
  std::string text;
  double moved = 0;
  for (const CounterValue& value : counted) {
    text += fmt::format("    {:<22} {:.0f} {}\n", value.name, value.value, value.unit);
    if (value.unit == "B") moved += value.value;
  }
  const double compulsory = group.op->cost(group.problem).bytes_compulsory;
  const double model =
      variant.bytes_algorithm ? variant.bytes_algorithm(group.problem) : compulsory;
  if (moved > 0) {
    text += fmt::format(
        "    memory moved {:.0f} B: {:.2f} of the algorithm's {:.0f}, {:.2f} of the "
        "compulsory {:.0f}\n",
        moved, moved / model, model, moved / compulsory, compulsory);
  }
  return text;
}

void count_on_cuda(PreparedGroup& prepared, const Group& group, std::size_t which,
                   Counters& counters, CountedCase& result) {
  std::string fault;
  try {
    fault = prepared.prepare(which, true);
  } catch (const DeviceLost& error) {
    fault = std::string("crashed: ") + error.what();
  }
  if (is_faulty(fault, result)) return;
  const std::vector<CounterValue> counted = counters.of_call(prepared, which);
  std::vector<Metric> metrics;
  for (const CounterValue& value : counted) {
    metrics.push_back({value.name, value.value, value.unit, "counter"});
  }
  result.text = text_of(group, *group.variants[which], counted);
  result.metrics = metrics_lines(result.row, metrics);
}

}  // namespace

int profile_on_cuda(const Plan& plan, const std::string& csv, bool quiet) {
  Counters counters;
  const int exit_code = profile_counted(
      plan, csv, quiet,
      [&](PreparedGroup& prepared, const Group& group, std::size_t which, CountedCase& counted) {
        count_on_cuda(prepared, group, which, counters, counted);
      });
  if (!quiet && !counters.why_not().empty()) {
    fmt::print("No hardware counters: {}.\n", counters.why_not());
  }
  return exit_code;
}

}  // namespace sb
