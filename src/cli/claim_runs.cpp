#include "cli/claim_runs.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "cli/listing.h"
#include "cli/measure_plan.h"
#include "cli/selection.h"
#include "core/registry.h"
#include "workload/claims_file.h"

namespace sb {
namespace {

using Names = std::set<std::string>;

struct DeviceRun {
  const ClaimRun* run;
  Device device;
};

std::vector<DeviceRun> runs_here(const Claim& claim) {
  const auto wants = [&](const char* device) {
    const auto& devices = claim.needs.device;
    return devices.empty() || std::find(devices.begin(), devices.end(), device) != devices.end();
  };
  std::vector<DeviceRun> runs;
  if (wants("cpu")) {
    for (const ClaimRun& run : claim.run) runs.push_back({&run, Device::kCpu});
  }
  if (wants("cuda") && why_no_cuda().empty()) {
    for (const ClaimRun& run : claim.run_cuda) runs.push_back({&run, Device::kCuda});
  }
  return runs;
}

std::string name_with_isa(const Variant& variant) {
  return fmt::format("{}@{}", variant.name, name_of(variant.isa));
}

// A glob that names no instruction set means the best form of each variant that it matches.
void add_matching(const std::string& glob, const DeviceRun& run, Names& names) {
  const bool every_isa = glob.find('@') != std::string::npos;
  std::map<std::string, const Variant*> best;
  for (const Variant* variant : Registry::instance().variants_of(run.run->op)) {
    if (variant->device != run.device || !selects(glob, *variant)) continue;
    if (!why_not_here(*variant).empty()) continue;
    if (every_isa) names.insert(name_with_isa(*variant));
    const Variant*& slot = best[variant->name];
    if (slot == nullptr || slot->isa < variant->isa) slot = variant;
  }
  for (const auto& [name, variant] : best) {
    if (!every_isa) names.insert(name_with_isa(*variant));
  }
}

Names variants_for(const Claim& claim, const DeviceRun& run) {
  Names names;
  for (const ClaimSide* side : {&claim.contender, &claim.baseline, &claim.strongest}) {
    if (!side->ours() || (!side->op.empty() && side->op != run.run->op)) continue;
    for (const std::string& glob : side->globs()) {
      add_matching(glob == "best_other" ? "*" : glob, run, names);
    }
  }
  return names;
}

std::string text_of(const ClaimRun& run, const std::string& name, const Names& variants) {
  return claim_workload(run.text, name, {variants.begin(), variants.end()}, "");
}

// What a plan offers to the two sides of a claim.
class Offer {
 public:
  Offer(const Claim& claim, const ClaimPlace& place) : claim_(claim), place_(place) {}

  void look_at(const DeviceRun& run) {
    const Names variants = variants_for(claim_, run);
    if (variants.empty()) {
      why_ = fmt::format("no variant of {} that the claim names can run here", run.run->op);
      return;
    }
    const std::string place = fmt::format("{}:{}", claim_.file, claim_.line);
    const Plan plan =
        plan_workload_text(text_of(*run.run, claim_.id, variants), place, {}, limits_here());
    if (!plan.errors.empty()) why_ = plan.errors.front();
    for (const PlannedGroup& planned : plan.groups) {
      for (const Variant* variant : planned.group.variants) look_at(planned, *variant);
    }
  }

  std::string why_not() const {
    if (contender_ && baseline_) return "";
    return why_.empty() ? "its workload holds no case of " + missing() : why_;
  }

 private:
  void look_at(const PlannedGroup& planned, const Variant& variant) {
    Row row = identity_row(planned.group, variant);
    const bool contender = is_on_side(claim_.contender, row);
    const bool baseline =
        claim_.baseline.ours() &&
        (claim_.baseline.variant == "best_other" ? !contender : is_on_side(claim_.baseline, row));
    if (!contender && !baseline) return;
    std::string why = why_skipped(planned, variant);
    if (why.empty()) {
      row.bytes_compulsory = planned.group.op->cost(planned.group.problem).bytes_compulsory;
      why = unmet_condition(claim_.needs, row, place_);
    }
    if (!why.empty()) {
      why_ = why;
      return;
    }
    contender_ |= contender;
    baseline_ |= baseline;
  }

  std::string missing() const { return (contender_ ? claim_.baseline : claim_.contender).text(); }

  const Claim& claim_;
  const ClaimPlace& place_;
  bool contender_ = false;
  bool baseline_ = !claim_.baseline.ours();
  std::string why_;
};

}  // namespace

std::string why_no_workload(const Claim& claim, const ClaimPlace& place) {
  Offer offer(claim, place);
  for (const DeviceRun& run : runs_here(claim)) offer.look_at(run);
  return offer.why_not();
}

std::string workloads_of(const std::vector<Claim>& claims) {
  std::vector<std::pair<DeviceRun, Names>> runs;  // in the order of the claims
  for (const Claim& claim : claims) {
    for (const DeviceRun& run : runs_here(claim)) {
      const auto same = [&](const auto& known) {
        return known.first.run->text == run.run->text && known.first.device == run.device;
      };
      auto it = std::find_if(runs.begin(), runs.end(), same);
      if (it == runs.end()) it = runs.insert(runs.end(), {run, {}});
      it->second.merge(variants_for(claim, run));
    }
  }
  std::string text;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const auto& [run, variants] = runs[i];
    if (!variants.empty()) text += text_of(*run.run, fmt::format("claims-{}", i + 1), variants);
  }
  return text;
}

}  // namespace sb
