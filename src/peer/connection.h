// The conversation with one peer process: requests and replies are lines of JSON, described in
// scripts/peers/README.md. Whatever the peer does wrong becomes a KernelFailure of the case in
// hand.
#pragma once

#include <atomic>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/peer_spec.h"
#include "measure/child_process.h"

namespace sb {

inline constexpr int kPeerProtocol = 1;
inline constexpr int kPeerMemory = 4;  // descriptor of the shared memory in the peer

class Connection {
 public:
  // `stop`, if not null, ends a wait as well (Ctrl-C). No request is waited for longer than a case
  // may take, whatever the peer's own timeout is.
  explicit Connection(PeerSpec spec, const std::atomic<bool>* stop = nullptr,
                      double longest_case_s = std::numeric_limits<double>::infinity());
  ~Connection();  // bye(), if it has not been said
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  const PeerSpec& spec() const { return spec_; }

  // The reply to `hello`, of the process that runs now; starts it if need be.
  const nlohmann::json& hello();

  // Sends a request, with its verb, and returns the reply. Throws KernelFailure:
  //   skipped  the program is not there, speaks another version, or says "unsupported"
  //   timeout  no reply in time; the process is killed
  //   crashed  the process ended, replied with something else than JSON, or says "error"
  // The next request starts a new process. The peer is halted between two requests, so that its
  // waiting threads take no time from others.
  nlohmann::json request(const std::string& verb, nlohmann::json message = {});

  // Lets the process run on `cpus` only, from now on; threads that it has bound to some of them
  // since stay where they are. False where the system refuses.
  bool confine_to(const std::vector<int>& cpus);

  // Says bye and waits some seconds for the end: "exit status 0", or how else it went.
  std::string bye();

  // Which process it is by now: what was prepared in an earlier one is gone.
  int generation() const { return generation_; }
  bool alive() const { return process_ != nullptr; }
  int process_id() const { return alive() ? process_->pid() : -1; }

  // Kills the process, because its word can't be trusted any more.
  void abandon() { process_.reset(); }

 private:
  void start();
  nlohmann::json exchange(const std::string& verb, nlohmann::json message);
  std::string receive(const std::string& verb);
  double timeout_s(const std::string& verb) const;

  PeerSpec spec_;
  const std::atomic<bool>* stop_;
  double longest_case_s_;
  std::unique_ptr<ChildProcess> process_;
  nlohmann::json hello_;
  std::vector<int> cpus_;  // that the process was confined to; empty: to none yet
  int generation_ = 0;
};

}  // namespace sb
