#include "measure/prepared_group.h"

#include <exception>
#include <stdexcept>

#include "machine/affinity.h"
#include "machine/topology.h"
#include "measure/google_benchmark.h"
#include "measure/verify.h"

namespace sb {

PreparedGroup::PreparedGroup(const Group& group)
    : group_(group),
      master_(group.op->tensors(group.problem), 0, memory_of(group)),
      kernels_(group.variants.size()) {
  pin_team(group_.problem.threads);
  group_.op->fill(group_.problem, group_.fill, group_.seed, master_.operands());
}

std::string PreparedGroup::prepare(std::size_t which, bool verify) {
  try {
    const Variant& variant = *group_.variants.at(which);
    std::unique_ptr<Kernel> kernel = variant.make(group_.problem);
    kernel->prepare(master_.operands());
    if (verify) {
      const Verification result =
          sb::verify(*kernel, master_, expected(), variant.tolerance_factor_for(group_.problem));
      if (!result.passed) return "incorrect: " + result.reason;
    }
    kernels_[which] = std::move(kernel);
    return "";
  } catch (const std::exception& error) {
    return std::string("crashed: ") + error.what();
  }
}

const std::vector<Expected>& PreparedGroup::expected() {
  if (!expected_) expected_ = group_.op->reference(group_.problem, master_.operands());
  return *expected_;
}

Kernel& PreparedGroup::kernel(std::size_t which) {
  Kernel* kernel = kernels_.at(which).get();
  if (kernel == nullptr) throw std::logic_error("the case was not prepared");
  return *kernel;
}

Rotation& PreparedGroup::rotation() {
  if (!rotation_) {
    rotation_.emplace(master_, group_.cache, topology().last_level_bytes(),
                      topology().memory_bytes);
  }
  return *rotation_;
}

double PreparedGroup::sample_ns(std::size_t which, std::int64_t iterations) {
  return time_calls(kernel(which), rotation(), iterations);
}

void PreparedGroup::call(std::size_t which) {
  kernel(which).run(rotation().operands());
  rotation().advance();
}

}  // namespace sb
