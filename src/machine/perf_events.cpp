// perf_event_open(2): counters of the processor for every thread of this process and, where that
// is allowed, of the memory controllers.
#include "machine/perf_events.h"

#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>
#include <utility>

#include "core/counter_source.h"

namespace sb {
namespace {

constexpr const char* kDevices = "/sys/bus/event_source/devices";

std::uint64_t cache_misses(std::uint64_t cache, std::uint64_t operation) {
  return cache | operation << 8 | std::uint64_t{PERF_COUNT_HW_CACHE_RESULT_MISS} << 16;
}

const std::vector<PerfEvent>& core_events() {
  static const std::vector<PerfEvent> events = {
      {counter::kCycles, PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES},
      {counter::kInstructions, PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS},
      {"llc_misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES},
      {"dtlb_load_misses", PERF_TYPE_HW_CACHE,
       cache_misses(PERF_COUNT_HW_CACHE_DTLB, PERF_COUNT_HW_CACHE_OP_READ)},
      {"dtlb_store_misses", PERF_TYPE_HW_CACHE,
       cache_misses(PERF_COUNT_HW_CACHE_DTLB, PERF_COUNT_HW_CACHE_OP_WRITE)}};
  return events;
}

// A running counter. Empty (is_open() false, errno says why) where the system refuses it.
class Counter {
 public:
  Counter(const PerfEvent& event, pid_t thread) {
    perf_event_attr attributes{};
    attributes.size = sizeof attributes;
    attributes.type = event.type;
    attributes.config = event.config;
    attributes.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
    attributes.exclude_kernel = event.cpu < 0;
    attributes.exclude_hv = event.cpu < 0;
    fd_ = static_cast<int>(syscall(SYS_perf_event_open, &attributes, event.cpu < 0 ? thread : -1,
                                   event.cpu, -1, PERF_FLAG_FD_CLOEXEC));
  }
  ~Counter() {
    if (fd_ >= 0) close(fd_);
  }
  Counter(Counter&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Counter& operator=(Counter&&) = delete;

  bool is_open() const { return fd_ >= 0; }

  // Where more events are wanted than the processor has counters, the kernel shares them out over
  // time; the count is then scaled up to the whole time.
  double read() const {
    std::array<std::uint64_t, 3> value{};  // count, time enabled, time running
    if (::read(fd_, value.data(), sizeof value) != sizeof value || value[2] == 0) return 0;
    return static_cast<double>(value[0]) * static_cast<double>(value[1]) /
           static_cast<double>(value[2]);
  }

 private:
  int fd_ = -1;
};

std::vector<pid_t> threads_of_this_process() {
  std::vector<pid_t> threads;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
    threads.push_back(static_cast<pid_t>(std::stol(entry.path().filename().string())));
  }
  return threads;
}

class PerfCounters final : public CounterSource {
 public:
  void start() override {
    for (const PerfEvent& event : memory_controller_events(kDevices)) open(event, 0);
    for (const pid_t thread : threads_of_this_process()) {
      for (const PerfEvent& event : core_events()) open(event, thread);
    }
    for (Running& running : running_) running.before = running.counter.read();
  }

  std::vector<CounterValue> stop() override {
    std::map<std::string, CounterValue> sums;
    for (const Running& running : running_) {
      CounterValue& sum = sums[running.event.name];
      sum.unit = running.event.unit;
      sum.value += (running.counter.read() - running.before) * running.event.scale;
    }
    running_.clear();
    std::vector<CounterValue> values;
    for (auto& [name, sum] : sums) values.push_back({name, sum.value, sum.unit});
    if (sums.contains("cas_count_read") && sums.contains("cas_count_write")) {
      values.push_back({counter::kMemoryBytes,
                        sums["cas_count_read"].value + sums["cas_count_write"].value, "B"});
    }
    return values;
  }

 private:
  struct Running {
    PerfEvent event;
    Counter counter;
    double before = 0;
  };

  void open(const PerfEvent& event, pid_t thread) {
    Counter counter(event, thread);
    if (counter.is_open()) running_.push_back({event, std::move(counter)});
  }

  std::vector<Running> running_;
};

// What keeps this machine from counting cycles, with the cure.
std::string why_no_perf_counters() {
  const Counter cycles(core_events().front(), 0);
  if (cycles.is_open()) return "";
  if (errno == EACCES || errno == EPERM) {
    std::ifstream file("/proc/sys/kernel/perf_event_paranoid");
    std::string level;
    file >> level;
    return "this system does not let its users read the processor's counters "
           "(kernel.perf_event_paranoid is " +
           level + "; 2 or less, or CAP_PERFMON, would do; in a container, its seccomp profile)";
  }
  if (errno == ENOENT || errno == EOPNOTSUPP || errno == ENODEV) {
    return "this machine shows no hardware counters to its system (a virtual machine without a "
           "PMU); profile on the host, or turn the virtual PMU on";
  }
  return std::string("the system refuses hardware counters: ") + std::strerror(errno);
}

const CounterRegistration perf{
    {.name = "perf_event", .device = Device::kCpu, .why_not = why_no_perf_counters, .make = [] {
       return std::make_unique<PerfCounters>();
     }}};

}  // namespace
}  // namespace sb
