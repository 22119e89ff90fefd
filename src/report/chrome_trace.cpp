#include <nlohmann/json.hpp>
#include <set>

#include "report/profile_report.h"

namespace sb {
namespace {

using nlohmann::ordered_json;

constexpr int kProcess = 1;

ordered_json metadata(const char* what, int thread, const std::string& name) {
  return {
      {"ph", "M"}, {"name", what}, {"pid", kProcess}, {"tid", thread}, {"args", {{"name", name}}}};
}

// Times are microseconds.
ordered_json slice(const std::string& name, const char* category, int thread, double begin_ns,
                   double end_ns, ordered_json arguments) {
  return {{"ph", "X"},
          {"name", name},
          {"cat", category},
          {"pid", kProcess},
          {"tid", thread},
          {"ts", begin_ns / 1e3},
          {"dur", (end_ns - begin_ns) / 1e3},
          {"args", std::move(arguments)}};
}

ordered_json of_case(const CaseProfile& profile) {
  ordered_json arguments = {{"op", profile.row.op},
                            {"variant", profile.row.variant},
                            {"isa", profile.row.isa},
                            {"dtype", profile.row.dtype},
                            {"params", profile.row.params},
                            {"threads", *profile.row.threads},
                            {"cache", profile.row.cache},
                            {"call_ns", profile.call_ns},
                            {"spans_left_out", profile.spans_left_out}};
  for (const CounterValue& counter : profile.counters) arguments[counter.name] = counter.value;
  return slice(profile.name, "case", 0, profile.begin_ns, profile.begin_ns + profile.marked_ns,
               std::move(arguments));
}

ordered_json of_phase(const PhaseSpan& span) {
  const double ns = span.end_ns - span.begin_ns;
  ordered_json arguments = ordered_json::object();
  if (span.traffic.read > 0) arguments["bytes_read"] = span.traffic.read;
  if (span.traffic.written > 0) arguments["bytes_written"] = span.traffic.written;
  if (!arguments.empty() && ns > 0) {
    arguments["gb_per_s"] = (span.traffic.read + span.traffic.written) / ns;
  }
  return slice(span.name, "phase", span.thread, span.begin_ns, span.end_ns, std::move(arguments));
}

}  // namespace

std::string chrome_trace(const std::vector<CaseProfile>& profiles, const std::string& host) {
  ordered_json events = ordered_json::array();
  events.push_back(metadata("process_name", 0, "softmax-bench on " + host));
  std::set<int> threads = {0};
  for (const CaseProfile& profile : profiles) {
    for (const PhaseSpan& span : profile.spans) threads.insert(span.thread);
  }
  for (const int thread : threads) {
    events.push_back(metadata("thread_name", thread,
                              thread == 0 ? "caller" : "worker " + std::to_string(thread)));
  }
  for (const CaseProfile& profile : profiles) {
    if (profile.row.status != status::kOk) continue;
    events.push_back(of_case(profile));
    for (const PhaseSpan& span : profile.spans) events.push_back(of_phase(span));
  }
  return ordered_json{{"displayTimeUnit", "ns"}, {"traceEvents", std::move(events)}}.dump() + "\n";
}

}  // namespace sb
