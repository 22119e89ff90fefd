#include "peer/conformance.h"

#include <fmt/format.h>

#include <functional>
#include <set>

#include "core/dtype.h"
#include "core/registry.h"
#include "core/row.h"
#include "measure/operand_set.h"
#include "measure/verify.h"

namespace sb {
namespace {

using nlohmann::json;

constexpr int kSets = 3;

ConformanceCheck check(std::string what, const std::function<std::string()>& fault) {
  try {
    return {std::move(what), fault()};
  } catch (const std::exception& error) {
    return {std::move(what), error.what()};
  }
}

std::string fault_of_hello(const json& hello) {
  if (!hello.value("name", json()).is_string()) return "hello has no name";
  if (!hello.value("versions", json()).is_object()) return "hello has no versions";
  if (!hello.value("kernels", json()).is_array()) return "hello has no kernels";
  std::set<std::string> names;
  for (const json& kernel : hello["kernels"]) {
    const std::string name =
        kernel.at("op").get<std::string>() + "/" + kernel.at("name").get<std::string>();
    if (!names.insert(name).second) return name + " is there twice";
    for (const json& dtype : kernel.at("dtypes")) {
      Dtype ignored;
      if (!parse_dtype(dtype.get<std::string>(), ignored)) return name + ": dtype " + dtype.dump();
    }
  }
  return "";
}

// Empty if the peer refuses the request and goes on.
std::string fault_of_refusal(Connection& peer, const std::string& verb, const json& message) {
  const int before = peer.generation();
  try {
    peer.request(verb, message);
    return "answered as if it were right";
  } catch (const KernelFailure& refusal) {
    if (peer.alive() && peer.generation() == before) return "";
    return refusal.what();
  }
}

std::string fault_of_sets(const Group& group, const Variant& variant) {
  const std::unique_ptr<Kernel> kernel = variant.make(group.problem);
  std::vector<OperandSet> memory;
  std::vector<std::vector<Expected>> expected;
  std::vector<Operands> sets;
  for (int i = 0; i < kSets; ++i) {
    memory.emplace_back(group.op->tensors(group.problem), 0, Memory::kShared);
    sets.push_back(memory.back().operands());
    group.op->fill(group.problem, group.fill, group.seed + static_cast<std::uint64_t>(i),
                   sets.back());
    expected.push_back(group.op->reference(group.problem, sets.back()));
  }
  kernel->run_timed({sets[0], sets[1]}, 1, kSets);
  for (OperandSet& set : memory) set.poison_outputs();
  kernel->run_timed(sets, 1, kSets + 1);
  const Verification last = compare_with(expected[1], memory[1].specs(), sets[1],
                                         variant.tolerance_factor_for(group.problem));
  return last.passed ? "" : "after sets 1, 2, 0, 1: " + last.reason;
}

}  // namespace

std::vector<ConformanceCheck> check_protocol(Connection& peer) {
  std::vector<ConformanceCheck> checks;
  checks.push_back(
      check("hello says name, versions and kernels", [&] { return fault_of_hello(peer.hello()); }));
  if (!checks.back().fault.empty()) return checks;
  const json nowhere = {{"id", 1 << 30}};
  checks.push_back(check("an unknown verb is refused",
                         [&] { return fault_of_refusal(peer, "no_such_verb", {}); }));
  checks.push_back(check("an unknown kernel is refused", [&] {
    return fault_of_refusal(peer, "prepare",
                            {{"id", 1 << 30},
                             {"op", "no_such_op"},
                             {"kernel", "no_such_kernel"},
                             {"params", json::object()},
                             {"dtype", "f32"},
                             {"threads", 1},
                             {"cpus", {0}},
                             {"tensors", json::array()}});
  }));
  checks.push_back(check("run without prepare is refused", [&] {
    json message = nowhere;
    message["first"] = 0;
    message["iterations"] = 1;
    return fault_of_refusal(peer, "run", message);
  }));
  checks.push_back(check("release without prepare is refused",
                         [&] { return fault_of_refusal(peer, "release", nowhere); }));
  checks.push_back(check("bye ends it", [&] {
    const std::string end = peer.bye();
    return end == "exit status 0" ? "" : end;
  }));
  return checks;
}

std::vector<ConformanceCheck> check_operand_sets(const Group& group) {
  std::vector<ConformanceCheck> checks;
  for (const Variant* variant : group.variants) {
    if (!variant->external || !why_not(*variant, group.problem).empty()) continue;
    const std::string what = variant->full_name() + " goes through its operand sets";
    try {
      checks.push_back({what, fault_of_sets(group, *variant)});
    } catch (const KernelFailure& failure) {
      if (failure.status() != status::kSkipped) checks.push_back({what, failure.what()});
    }
  }
  return checks;
}

}  // namespace sb
