// What can be tested here and why, claim by claim.
#include <fmt/format.h>

#include <set>

#include "report/claims.h"

namespace sb {
namespace {

std::string operations(const std::vector<ClaimRun>& runs) {
  std::set<std::string> names;
  for (const ClaimRun& run : runs) names.insert(run.op);
  return fmt::format("{}", fmt::join(names, " and "));
}

// What is set against what, and how far the verdict will go.
std::string why_testable(const Claim& claim, bool on_cuda) {
  const std::string here = on_cuda ? "gpu" : "cpu";
  const bool same_class = claim.hardware_class == here || claim.hardware_class == "any";
  return fmt::format(
      "{}: {} against {}; {}", operations(on_cuda ? claim.run_cuda : claim.run),
      claim.contender.text(), claim.baseline.text().empty() ? "nothing" : claim.baseline.text(),
      same_class ? "the figure itself is judged"
                 : fmt::format("direction only: the paper's hardware is {}",
                               claim.hardware_class == "other" ? "of another class"
                                                               : "a " + claim.hardware_class));
}

// Empty if the contender has a CUDA variant, else a sentence.
std::string why_no_kernel(const Claim& claim, const ClaimPlace& place) {
  if (!place.has_cuda_variant) return "";
  for (const ClaimSide* side : {&claim.contender, &claim.baseline}) {
    const bool is_peer = side->variant.find(':') != std::string::npos;  // runs where it likes
    if (!side->ours() || side->variant == "best_other" || is_peer) continue;
    for (const ClaimRun& run : claim.run_cuda) {
      if (!side->op.empty() && side->op != run.op) continue;
      bool has = false;
      for (const std::string& glob : side->globs()) has |= place.has_cuda_variant(run.op, glob);
      if (!has) return fmt::format("no CUDA variant of {} {} is built", run.op, side->text());
    }
  }
  return "";
}

std::string what_a_gpu_settles(const Claim& claim, const ClaimPlace& place) {
  if (!claim.not_testable.empty()) return "nothing: no kernel here is what the claim is about";
  if (claim.hardware_class == "cpu") return "nothing: the claim is about CPUs";
  if (claim.run_cuda.empty()) {
    return claim.hardware_class == "any" ? "nothing more: it holds on any machine or on none"
                                         : "nothing yet: no workload at the paper's sizes is given";
  }
  const std::string why = why_no_kernel(claim, place);
  return why.empty() ? "the figure itself, at the paper's sizes" : "nothing yet: " + why;
}

}  // namespace

std::string claims_list(const std::vector<Claim>& claims, const ClaimPlace& place) {
  std::string text;
  int testable = 0, for_a_gpu = 0;
  for (const Claim& claim : claims) {
    const std::string why = why_not_testable(claim, place);
    const bool on_cuda = claim.run.empty();
    const std::string gpu = what_a_gpu_settles(claim, place);
    testable += why.empty() ? 1 : 0;
    for_a_gpu += gpu.starts_with("the figure") ? 1 : 0;
    text += fmt::format("{}  arXiv {}  {}\n  {}: {}\n", claim.id,
                        claim.arxiv.empty() ? "-" : claim.arxiv, bound_text(claim),
                        why.empty() ? "can be tested here" : "not here",
                        why.empty() ? why_testable(claim, on_cuda) : why);
    text += fmt::format("  a GPU would settle: {}\n", gpu);
  }
  return fmt::format(
      "{} claims, {} of them can be tested here; a GPU would settle the figure of {}\n{}",
      claims.size(), testable, for_a_gpu, text);
}

}  // namespace sb
