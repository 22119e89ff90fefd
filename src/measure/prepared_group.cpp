#include "measure/prepared_group.h"

#include <exception>
#include <stdexcept>

#include "machine/affinity.h"
#include "machine/topology.h"
#include "measure/verify.h"

namespace sb {

PreparedGroup::PreparedGroup(const Group& group, std::unique_ptr<Gpu>& gpu)
    : group_(group),
      gpu_(gpu),
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
  } catch (const DeviceLost&) {
    throw;
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

Contestant& PreparedGroup::contestant(std::size_t which) {
  kernel(which);  // or it throws
  if (!contestants_) {
    std::vector<Entrant> entrants;
    for (std::size_t i = 0; i < kernels_.size(); ++i) {
      turn_of_.push_back(entrants.size());
      if (kernels_[i])
        entrants.push_back({case_name(group_, *group_.variants[i]), kernels_[i].get()});
    }
    contestants_.emplace(entrants, master_, group_.cache, gpu_);
  }
  return *contestants_->turns()[turn_of_[which]];
}

double PreparedGroup::sample_ns(std::size_t which, std::int64_t iterations) {
  return contestant(which).sample_ns(iterations);
}

double PreparedGroup::warm_up_ns(std::size_t which, std::int64_t iterations) {
  const double ns = contestant(which).sample_ns(iterations);
  contestant(which).warmed_up(iterations, ns / static_cast<double>(iterations));
  return ns;
}

void PreparedGroup::call(std::size_t which) {
  kernel(which).run(rotation().operands());
  rotation().advance();
}

}  // namespace sb
