#include "measure/phase_recorder.h"

#include <algorithm>
#include <atomic>

namespace sb {
namespace {

constexpr std::size_t kMostThreads = 4096;
constexpr std::size_t kMostSpans = 20000;  // of a thread and a call: what a trace viewer bears

// 0 for the thread that asks first, which is the one that made the recorder.
std::size_t thread_number() {
  static std::atomic<std::size_t> next{0};
  thread_local const std::size_t number = next++ % kMostThreads;
  return number;
}

double ns_between(PhaseRecorder::Clock::time_point begin, PhaseRecorder::Clock::time_point end) {
  return std::chrono::duration<double, std::nano>(end - begin).count();
}

void add(PhaseTotal& to, const PhaseTotal& more) {
  to.calls += more.calls;
  to.threads += more.threads;
  to.self_ns += more.self_ns;
  to.span_ns += more.span_ns;
  to.traffic.read += more.traffic.read;
  to.traffic.written += more.traffic.written;
}

}  // namespace

PhaseRecorder::PhaseRecorder(Clock::time_point origin) : origin_(origin), lanes_(kMostThreads) {
  thread_number();
}

PhaseRecorder::~PhaseRecorder() { hush(); }

void PhaseRecorder::listen() { phase_sink = this; }

void PhaseRecorder::hush() {
  if (phase_listener() == this) phase_sink = nullptr;
}

void PhaseRecorder::begin(const char* name, Traffic traffic) {
  lanes_[thread_number()].open.push_back({name, traffic, Clock::now()});
}

void PhaseRecorder::end() {
  const Clock::time_point now = Clock::now();
  const std::size_t thread = thread_number();
  Lane& lane = lanes_[thread];
  const Open open = lane.open.back();
  lane.open.pop_back();
  const double ns = ns_between(open.begin, now);
  if (!lane.open.empty()) lane.open.back().inner_ns += ns;
  add(lane.totals[open.name],
      {.calls = 1, .self_ns = ns - open.inner_ns, .span_ns = ns, .traffic = open.traffic});
  if (lane.spans.size() == kMostSpans) {
    ++lane.spans_left_out;
  } else {
    lane.spans.push_back({open.name, static_cast<int>(thread), ns_between(origin_, open.begin),
                          ns_between(origin_, now), open.traffic});
  }
}

void PhaseRecorder::take(CaseProfile& profile) {
  std::map<std::string, PhaseTotal> by_name;  // one literal may have several addresses
  std::map<std::string, double> first_begin;
  for (Lane& lane : lanes_) {
    std::map<std::string, PhaseTotal> of_lane;
    for (const auto& [name, total] : lane.totals) add(of_lane[name], total);
    for (auto& [name, total] : of_lane) {
      total.threads = 1;
      add(by_name[name], total);
    }
    for (const PhaseSpan& span : lane.spans) {
      const auto [at, is_new] = first_begin.try_emplace(span.name, span.begin_ns);
      if (!is_new) at->second = std::min(at->second, span.begin_ns);
    }
    profile.spans.insert(profile.spans.end(), lane.spans.begin(), lane.spans.end());
    profile.spans_left_out += lane.spans_left_out;
    lane = Lane();
  }
  for (auto& [name, total] : by_name) {
    total.name = name;
    profile.phases.push_back(total);
  }
  // In the order in which they began.
  std::ranges::sort(profile.phases, {},
                    [&](const PhaseTotal& total) { return first_begin[total.name]; });
}

}  // namespace sb
