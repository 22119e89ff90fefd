#include "peer/connection.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <optional>

#include "core/row.h"
#include "core/shared_memory.h"
#include "core/variant.h"
#include "machine/affinity.h"

namespace sb {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr int kPollMs = 100;  // how soon Ctrl-C is seen
constexpr std::size_t kQuoted = 60;
constexpr int kByeS = 10;            // large libraries take a while to unload
constexpr double kLeastStartS = 20;  // and to load, which is no part of a case

std::string quoted(const std::string& line) {
  std::string text;
  for (const char c : line.substr(0, kQuoted)) text += c >= ' ' && c < 127 ? c : '?';
  return '"' + text + (line.size() > kQuoted ? "...\"" : "\"");
}

}  // namespace

Connection::Connection(PeerSpec spec, const std::atomic<bool>* stop, double longest_case_s)
    : spec_(std::move(spec)), stop_(stop), longest_case_s_(longest_case_s) {}

Connection::~Connection() {
  if (alive()) bye();
}

std::string Connection::bye() {
  process_->signal_group(SIGCONT);
  process_->write_line(json{{"verb", "bye"}}.dump());
  process_->close_input();
  const std::string end = process_->wait_for_end(kByeS);
  abandon();
  return end;
}

const json& Connection::hello() {
  if (!alive()) start();
  return hello_;
}

json Connection::request(const std::string& verb, json message) {
  if (!alive()) start();
  process_->signal_group(SIGCONT);
  json reply = exchange(verb, std::move(message));
  if (alive()) process_->signal_group(SIGSTOP);
  const auto complaint = [&](const char* key) -> std::optional<std::string> {
    if (!reply.contains(key)) return std::nullopt;
    return reply[key].is_string() ? reply[key].get<std::string>() : reply[key].dump();
  };
  if (const auto why = complaint("unsupported")) throw KernelFailure(status::kSkipped, *why);
  if (const auto why = complaint("error")) throw KernelFailure(status::kCrashed, *why);
  return reply;
}

bool Connection::confine_to(const std::vector<int>& cpus) {
  if (cpus_ == cpus) return true;
  if (!alive() || !confine(process_->pid(), cpus)) return false;
  cpus_ = cpus;
  return true;
}

void Connection::start() {
  const SharedMemory& memory = SharedMemory::instance();
  try {
    process_ = std::make_unique<ChildProcess>(
        spec_.command, std::vector<ChildProcess::Inherited>{{memory.descriptor(), kPeerMemory}},
        ChildProcess::Options{.replies = STDOUT_FILENO, .environment = spec_.env});
  } catch (const std::runtime_error& error) {
    throw KernelFailure(status::kSkipped, fmt::format("peer {}: {}", spec_.name, error.what()));
  }
  ++generation_;
  cpus_.clear();
  hello_ = exchange("hello", {{"protocol", json::array({kPeerProtocol})},
                              {"memory", {{"fd", kPeerMemory}, {"bytes", memory.bytes()}}}});
  const json version = hello_.value("protocol", json());
  if (version.is_null() && hello_.contains("error")) {
    abandon();
    throw KernelFailure(status::kCrashed, fmt::format("peer {} answered hello with the error {}",
                                                      spec_.name, hello_["error"].dump()));
  }
  if (version != kPeerProtocol) {
    abandon();
    throw KernelFailure(
        status::kSkipped,
        fmt::format("peer {} speaks protocol {}, this program speaks {}; see "
                    "scripts/peers/README.md",
                    spec_.name, version.is_null() ? "without a version" : version.dump(),
                    kPeerProtocol));
  }
}

json Connection::exchange(const std::string& verb, json message) {
  message["verb"] = verb;
  process_->write_line(message.dump(-1, ' ', false, json::error_handler_t::replace));
  const std::string line = receive(verb);
  json reply = json::parse(line, nullptr, false);
  if (reply.is_object()) return reply;
  abandon();
  throw KernelFailure(status::kCrashed,
                      fmt::format("peer {} answered {} with what is no JSON object: {}", spec_.name,
                                  verb, quoted(line)));
}

double Connection::timeout_s(const std::string& verb) const {
  const double limit_s =
      verb == "hello" ? std::max(longest_case_s_, kLeastStartS) : longest_case_s_;
  return std::min(spec_.timeout_s, limit_s);
}

std::string Connection::receive(const std::string& verb) {
  const double seconds = timeout_s(verb);
  const auto deadline = Clock::now() + std::chrono::duration<double>(seconds);
  std::string line;
  try {
    while (true) {
      const ChildProcess::Heard heard = process_->read_line(line, kPollMs);
      if (heard == ChildProcess::Heard::kLine) return line;
      if (heard == ChildProcess::Heard::kEnd) {
        const std::string end = process_->wait_for_end();
        abandon();
        throw KernelFailure(status::kCrashed, fmt::format("peer {} ended when asked to {}: {}",
                                                          spec_.name, verb, end));
      }
      const bool stopped = stop_ != nullptr && stop_->load();
      if (!stopped && Clock::now() < deadline) continue;
      abandon();
      throw KernelFailure(status::kTimeout,
                          stopped ? "interrupted"
                                  : fmt::format("peer {} did not answer {} within {:g} s",
                                                spec_.name, verb, seconds));
    }
  } catch (const KernelFailure&) {
    throw;
  } catch (const std::runtime_error& error) {  // a line without an end
    abandon();
    throw KernelFailure(status::kCrashed,
                        fmt::format("peer {}, asked to {}: {}", spec_.name, verb, error.what()));
  }
}

}  // namespace sb
