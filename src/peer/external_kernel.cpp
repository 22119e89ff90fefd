#include "peer/external_kernel.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <cmath>
#include <thread>

#include "core/row.h"
#include "core/shared_memory.h"
#include "machine/affinity.h"

namespace sb {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

// An OpenMP team of ours spins for a while after its last loop (libgomp: 300,000 pauses, which is
// 15 ms on a Skylake-X or later), on the cores that the peer is about to use.
constexpr auto kTeamFallsAsleep = std::chrono::milliseconds(25);

int next_id() {
  static int id = 0;
  return ++id;
}

// Of a tensor of n dimensions, in elements; only rows may have gaps.
std::vector<std::int64_t> strides_of(const TensorSpec& spec) {
  std::vector<std::int64_t> strides(spec.dims.size(), 1);
  for (std::size_t i = spec.dims.size(); i-- > 1;) {
    const bool innermost = i + 1 == spec.dims.size();
    strides[i - 1] =
        innermost && spec.row_stride != 0 ? spec.row_stride : strides[i] * spec.dims[i];
  }
  return strides;
}

json describe(const TensorSpec& spec) {
  return {{"name", spec.name},
          {"dtype", name_of(spec.dtype)},
          {"shape", spec.dims},
          {"strides", strides_of(spec)},
          {"role", spec.role == Role::kInput ? "input" : "output"}};
}

// Numbers and switches as such, words as text.
json describe(const Params& params) {
  json described = json::object();
  for (const auto& [name, value] : params.values()) {
    const json number = json::parse(value, nullptr, false);
    described[name] = number.is_discarded() ? json(value) : number;
  }
  return described;
}

}  // namespace

ExternalKernel::ExternalKernel(std::shared_ptr<Connection> peer, const Operation& op,
                               std::string kernel, const Problem& problem)
    : peer_(std::move(peer)),
      op_(op.name()),
      kernel_(std::move(kernel)),
      problem_(problem),
      specs_(op.tensors(problem)),
      cpus_(team_cpus(problem.threads)),
      id_(next_id()) {
  prepare_in_peer();
}

ExternalKernel::~ExternalKernel() {
  if (!peer_->alive() || peer_->generation() != generation_) return;
  try {
    peer_->request("release", {{"id", id_}});
  } catch (const std::exception&) {  // its row is written; the next request will say what is wrong
  }
}

double ExternalKernel::run_timed(const std::vector<Operands>& sets, std::size_t first,
                                 std::int64_t iterations) {
  // Another kernel of the peer may have taken the process with it.
  if (!peer_->alive() || peer_->generation() != generation_) prepare_in_peer();
  send_sets(sets);
  check_cpus();
  if (problem_.threads > 1) std::this_thread::sleep_for(kTeamFallsAsleep);
  const auto begin = Clock::now();
  const json reply =
      peer_->request("run", {{"id", id_}, {"first", first}, {"iterations", iterations}});
  const double elapsed_ns = std::chrono::duration<double, std::nano>(Clock::now() - begin).count();
  const json time = reply.value("ns", json());
  if (!time.is_number()) accuse("answered run without the number ns");
  const auto ns = time.get<double>();
  if (!(ns >= 0) || ns > elapsed_ns) {
    accuse(fmt::format("says that {} calls took {:.0f} ns, when {:.0f} ns passed here", iterations,
                       ns, elapsed_ns));
  }
  return ns;
}

void ExternalKernel::prepare_in_peer() {
  peer_->hello();
  if (!peer_->confine_to(cpus_)) {
    throw KernelFailure(status::kSkipped, "the peer's process can't be bound to CPUs");
  }
  json tensors = json::array();
  for (const TensorSpec& spec : specs_) tensors.push_back(describe(spec));
  const json reply = peer_->request("prepare", {{"id", id_},
                                                {"op", op_},
                                                {"kernel", kernel_},
                                                {"params", describe(problem_.params)},
                                                {"dtype", name_of(problem_.dtype)},
                                                {"threads", problem_.threads},
                                                {"cpus", cpus_},
                                                {"tensors", tensors}});
  generation_ = peer_->generation();
  sent_.clear();
  check_threads(reply);
  check_tensors(reply);
  check_cpus();
}

void ExternalKernel::check_threads(const json& reply) const {
  const json threads = reply.value("threads", json());
  if (!threads.is_number_integer()) accuse("answered prepare without the number of its threads");
  if (threads.get<int>() < 1 || threads.get<int>() > problem_.threads) {
    accuse(
        fmt::format("uses {} threads where {} are allowed", threads.get<int>(), problem_.threads));
  }
}

void ExternalKernel::check_cpus() const {
  const std::vector<int> outside = cpus_outside(peer_->process_id(), cpus_);
  if (!outside.empty()) {
    accuse(fmt::format("may run on CPU {}, where only {} are allowed", fmt::join(outside, ","),
                       fmt::join(cpus_, ",")));
  }
}

void ExternalKernel::check_tensors(const json& reply) const {
  const json understood = reply.value("tensors", json());
  for (const TensorSpec& spec : specs_) {
    const json expected = {{"shape", spec.dims}, {"dtype", name_of(spec.dtype)}};
    const json given = understood.is_object() ? understood.value(spec.name, json()) : json();
    if (given != expected) {
      accuse(fmt::format("takes {} to be {}, and it is {}", spec.name,
                         given.is_null() ? "nothing" : given.dump(), expected.dump()));
    }
  }
}

void ExternalKernel::send_sets(const std::vector<Operands>& sets) {
  if (sets == sent_) return;
  const SharedMemory& memory = SharedMemory::instance();
  json offsets = json::array();
  for (const Operands& operands : sets) {
    json& set = offsets.emplace_back(json::array());
    for (std::size_t i = 0; i < operands.size(); ++i) {
      const std::int64_t offset = memory.offset_of(operands.get<void>(static_cast<int>(i)));
      if (offset < 0) throw std::logic_error("operands of a peer are not in shared memory");
      set.push_back(offset);
    }
  }
  peer_->request("sets", {{"id", id_}, {"offsets", std::move(offsets)}});
  sent_ = sets;
}

// It may still do harm: what says one thing and does another is not asked again.
void ExternalKernel::accuse(const std::string& what) const {
  peer_->abandon();
  throw KernelFailure(status::kCrashed, fmt::format("peer {} {}", peer_->spec().name, what));
}

}  // namespace sb
