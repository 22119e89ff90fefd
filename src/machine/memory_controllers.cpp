#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>

#include "machine/perf_events.h"

namespace sb {
namespace {

namespace fs = std::filesystem;

// One line, empty if there is none.
std::string line_of(const fs::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// "event=0x04,umask=0x03" by the layout that Intel's and AMD's controllers share: event in bits 0
// to 7, umask in bits 8 to 15. -1: another layout.
std::int64_t config_of(const std::string& text) {
  std::int64_t config = 0;
  std::istringstream terms(text);
  for (std::string term; std::getline(terms, term, ',');) {
    const std::size_t equals = term.find('=');
    const std::string key = term.substr(0, equals);
    const std::map<std::string, int> shift = {{"event", 0}, {"umask", 8}};
    if (equals == std::string::npos || !shift.contains(key)) return -1;
    config |= std::stoll(term.substr(equals + 1), nullptr, 0) << shift.at(key);
  }
  return config;
}

void add_events_of(const fs::path& device, std::vector<PerfEvent>& events) {
  const std::string type = line_of(device / "type");
  const std::string cpus = line_of(device / "cpumask");  // one of every socket: "0,32"
  if (type.empty() || cpus.empty()) return;
  for (const char* direction : {"cas_count_read", "cas_count_write"}) {
    const std::string event = line_of(device / "events" / direction);
    const std::string scale = line_of(device / "events" / (std::string(direction) + ".scale"));
    const std::int64_t config = event.empty() ? -1 : config_of(event);
    if (config < 0 || scale.empty()) continue;
    std::istringstream list(cpus);
    for (std::string cpu; std::getline(list, cpu, ',');) {
      events.push_back({.name = direction,
                        .type = static_cast<std::uint32_t>(std::stoul(type)),
                        .config = static_cast<std::uint64_t>(config),
                        .scale = std::stod(scale) * 1024 * 1024,  // the kernel's unit is MiB
                        .unit = "B",
                        .cpu = std::stoi(cpu)});
    }
  }
}

}  // namespace

std::vector<PerfEvent> memory_controller_events(const fs::path& devices) {
  std::vector<PerfEvent> events;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(devices, ignored)) {
    if (entry.path().filename().string().starts_with("uncore_imc")) {
      add_events_of(entry.path(), events);
    }
  }
  return events;
}

}  // namespace sb
