// A kernel in a peer's process, as a Kernel of ours: operands lie in shared memory, calls are
// requests, and time is the peer's own monotonic clock.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/variant.h"
#include "peer/connection.h"

namespace sb {

class ExternalKernel final : public Kernel {
 public:
  // Prepares the kernel in the peer. Throws KernelFailure if the peer can't or won't, if it
  // understands other tensors than it was given, or takes more threads than it may.
  ExternalKernel(std::shared_ptr<Connection> peer, const Operation& op, std::string kernel,
                 const Problem& problem);
  ~ExternalKernel() override;

  void run(const Operands& operands) override { run_timed({operands}, 0, 1); }
  std::string own_timer() const override { return "the peer's monotonic clock"; }
  double run_timed(const std::vector<Operands>& sets, std::size_t first,
                   std::int64_t iterations) override;

 private:
  void prepare_in_peer();
  void check_threads(const nlohmann::json& reply) const;
  void check_cpus() const;
  void check_tensors(const nlohmann::json& reply) const;
  void send_sets(const std::vector<Operands>& sets);
  [[noreturn]] void accuse(const std::string& what) const;

  std::shared_ptr<Connection> peer_;
  std::string op_;
  std::string kernel_;
  Problem problem_;
  std::vector<TensorSpec> specs_;
  std::vector<int> cpus_;
  int id_;
  int generation_ = 0;  // of the process that has it prepared
  std::vector<Operands> sent_;
};

}  // namespace sb
