#include "workload/claims_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "workload/strict_map.h"

namespace sb {
namespace {

std::vector<std::string> metric_names() {
  std::vector<std::string> names;
  for (const ClaimMetric& metric : claim_metrics()) names.emplace_back(metric.name);
  return names;
}

// contender: two_pass@avx512 | {variant: ..., op: ..., params: {...}} | {external: words}
ClaimSide read_side(StrictMap& claim, const std::string& key, const std::string& file,
                    const std::string& what, Faults& faults) {
  ClaimSide side;
  const YAML::Node node = claim.node(key);
  if (!node.IsDefined()) return side;
  if (node.IsScalar()) {
    side.variant = node.Scalar();
    return side;
  }
  StrictMap map(node, file, what + ", " + key, faults);
  side.variant = map.text("variant");
  side.external = map.text("external");
  side.op = map.text("op");
  const YAML::Node params = map.node("params");
  if (params.IsDefined() && params.IsMap()) {
    for (const auto& pair : params) side.params[pair.first.Scalar()] = pair.second.Scalar();
  } else if (params.IsDefined()) {
    map.fault("params", "\"params\" must be a mapping from parameter to value");
  }
  if (side.variant.empty() == side.external.empty()) {
    map.fault("variant", "give either variant: (a registered name) or external: (words)");
  }
  map.refuse_unknown();
  return side;
}

ClaimConditions read_needs(const YAML::Node& node, const std::string& file, const std::string& what,
                           Faults& faults) {
  ClaimConditions needs;
  if (!node.IsDefined()) return needs;
  StrictMap map(node, file, what + ", needs", faults);
  needs.device = map.words("device");
  needs.cache = map.words("cache");
  needs.dtype = map.words("dtype");
  if (map.has("threads")) needs.threads = map.integer_in("threads", 1, 4096, 1);
  needs.out_of_cache = map.flag("out_of_cache");
  const YAML::Node range = map.node("range");
  for (const auto& pair : range) {
    const std::string name = pair.first.Scalar();
    try {
      const auto ends = pair.second.as<std::vector<double>>();
      if (ends.size() != 2 || ends[0] > ends[1]) throw std::invalid_argument("ends");
      needs.range[name] = {ends[0], ends[1]};
    } catch (const std::exception&) {
      map.fault("range", fmt::format("range of {} must be [lo, hi] with lo <= hi", name));
    }
  }
  for (const std::string& device : needs.device) {
    if (device != "cpu" && device != "cuda") {
      map.fault("device", fmt::format("device \"{}\" is none of cpu, cuda", device));
    }
  }
  map.refuse_unknown();
  return needs;
}

std::string read_run(const YAML::Node& node, StrictMap& claim) {
  if (!node.IsDefined()) return "";
  if (!node.IsMap() || !node["op"].IsDefined() || !node["sweep"].IsDefined()) {
    claim.fault("run", "\"run\" must be a mapping of workload keys with at least op and sweep");
    return "";
  }
  for (const char* key : {"name", "variants", "baseline"}) {
    if (node[key].IsDefined()) {
      claim.fault("run",
                  fmt::format("\"run\" must not hold \"{}\": it follows from the claim", key));
    }
  }
  return YAML::Dump(node);
}

void check_testable(const Claim& claim, StrictMap& map) {
  const ClaimMetric* metric = find_claim_metric(claim.metric);
  const bool testable = metric != nullptr && metric->from_rows && claim.contender.ours();
  if (testable || !claim.not_testable.empty()) return;
  map.fault("not_testable",
            "nothing here can judge the claim (its contender is external, or its metric has no "
            "rows), so \"not_testable\" must say why");
}

Claim read_claim(const YAML::Node& node, const std::string& file, const Claim& paper,
                 Faults& faults) {
  StrictMap map(node, file, "claim", faults);
  Claim claim = paper;
  claim.file = file;
  claim.line = map.line();
  claim.id = map.required_text("id");
  const std::string what = "claim " + claim.id;
  StrictMap named(node, file, what, faults);
  named.node("id");
  claim.statement = named.required_text("statement");
  claim.source = named.word("source", {"abstract", "table", "figure", "text", "derived"}, "text");
  claim.seen = named.word("seen", {"abstract", "repository", "secondary", "derived", "unstated"},
                          "unstated");
  claim.hardware = named.required_text("hardware");
  claim.hardware_class = named.word("hardware_class", {"cpu", "gpu", "other", "any"}, "other");
  claim.setting = named.required_text("setting");
  claim.contender = read_side(named, "contender", file, what, faults);
  claim.baseline = read_side(named, "baseline", file, what, faults);
  claim.strongest = read_side(named, "strongest", file, what, faults);
  if (claim.contender.text().empty()) named.fault("contender", "\"contender\" is missing");
  claim.metric = named.word("metric", metric_names(), "system");
  claim.stated_as = named.text("stated_as");
  claim.relation = named.word("relation", {">=", "<=", "~"}, "~");
  const auto value = named.number("value");
  if (!value) named.fault("value", "\"value\" is missing or no number");
  claim.value = value.value_or(0);
  claim.band = named.number_in("band", 0.001, 10, 0.1);
  claim.axis = named.text("axis");
  claim.across = named.word("across", {"best", "worst", "median"}, "best");
  claim.needs = read_needs(named.node("needs"), file, what, faults);
  claim.run = read_run(named.node("run"), named);
  claim.not_testable = named.text("not_testable");
  claim.note = named.text("note");
  named.refuse_unknown();
  if ((claim.metric == "slope" || claim.metric == "crossover" || claim.metric == "spread") &&
      claim.axis.empty() && claim.not_testable.empty()) {
    named.fault("axis",
                fmt::format("a {} needs \"axis\": the parameter it runs along", claim.metric));
  }
  check_testable(claim, named);
  return claim;
}

std::vector<Claim> read_claims(const YAML::Node& root, const std::string& file, Faults& faults) {
  std::vector<Claim> claims;
  if (!root.IsDefined()) return claims;
  StrictMap map(root, file, "claims file", faults);
  Claim paper;
  paper.paper = map.required_text("paper");
  paper.arxiv = map.text("arxiv");
  const YAML::Node list = map.node("claims");
  if (!list.IsDefined() || !list.IsSequence() || list.size() == 0) {
    map.fault("claims", "\"claims\" must be a list with at least one claim");
  } else {
    for (const YAML::Node& node : list) claims.push_back(read_claim(node, file, paper, faults));
  }
  map.refuse_unknown();
  return claims;
}

void refuse_duplicates(const std::vector<Claim>& claims, Faults& faults) {
  std::map<std::string, const Claim*> first;
  for (const Claim& claim : claims) {
    const auto [it, fresh] = first.emplace(claim.id, &claim);
    if (fresh) continue;
    faults.add(fmt::format("{}:{}: claim id \"{}\" is already in {}:{}; give one another id",
                           claim.file, claim.line, claim.id, it->second->file, it->second->line));
  }
}

std::vector<std::string> files_of(const std::vector<std::string>& paths, Faults& faults) {
  namespace fs = std::filesystem;
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    if (!fs::is_directory(path)) {
      files.push_back(path);
      continue;
    }
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(path)) {
      if (entry.path().extension() == ".yaml") found.push_back(entry.path().string());
    }
    if (found.empty()) faults.add(path + ": holds no *.yaml");
    std::sort(found.begin(), found.end());
    files.insert(files.end(), found.begin(), found.end());
  }
  return files;
}

}  // namespace

std::vector<Claim> parse_claims(const std::string& text, const std::string& file) {
  Faults faults;
  std::vector<Claim> claims = read_claims(load_yaml_text(text, file, faults), file, faults);
  refuse_duplicates(claims, faults);
  faults.throw_if_any();
  return claims;
}

std::vector<Claim> load_claims(const std::vector<std::string>& paths) {
  Faults faults;
  std::vector<Claim> all;
  for (const std::string& file : files_of(paths, faults)) {
    std::vector<Claim> claims = read_claims(load_yaml(file, faults), file, faults);
    all.insert(all.end(), claims.begin(), claims.end());
  }
  refuse_duplicates(all, faults);
  faults.throw_if_any();
  return all;
}

std::string workload_of(const Claim& claim) {
  if (claim.run.empty() || !claim.contender.ours()) return "";
  YAML::Node workload = YAML::Load(claim.run);
  workload["name"] = "claim-" + claim.id;
  std::set<std::string> variants = {claim.contender.variant};
  for (const ClaimSide* side : {&claim.baseline, &claim.strongest}) {
    if (side->ours()) variants.insert(side->variant == "best_other" ? "*" : side->variant);
  }
  for (const std::string& variant : variants) workload["variants"].push_back(variant);
  if (claim.baseline.ours() && claim.baseline.op.empty() && claim.baseline.params.empty()) {
    const bool one = claim.baseline.variant.find_first_of("*?") == std::string::npos;
    workload["baseline"] = one ? claim.baseline.variant : "best_other";
  }
  return YAML::Dump(workload) + "\n";
}

}  // namespace sb
