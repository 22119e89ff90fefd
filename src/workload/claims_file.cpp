#include "workload/claims_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "workload/strict_map.h"

namespace sb {
namespace {

std::vector<std::string> metric_names() {
  std::vector<std::string> names;
  for (const ClaimMetric& metric : claim_metrics()) names.emplace_back(metric.name);
  return names;
}

// contender: two_pass@avx512 | {variant: ..., op: ..., params: {...}} | {external: words}
ClaimSide read_side(StrictMap& claim, const std::string& key, const std::string& what,
                    YamlErrors& errors) {
  ClaimSide side;
  const YAML::Node node = claim.node(key);
  if (!node.IsDefined()) return side;
  if (node.IsScalar()) {
    side.variant = node.Scalar();
    return side;
  }
  StrictMap map(node, what + ", " + key, errors);
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

ClaimConditions read_needs(const YAML::Node& node, const std::string& what, YamlErrors& errors) {
  ClaimConditions needs;
  if (!node.IsDefined()) return needs;
  StrictMap map(node, what + ", needs", errors);
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

std::vector<std::string> scalars(const YAML::Node& node) {
  if (node.IsScalar()) return {node.Scalar()};
  std::vector<std::string> list;
  if (node.IsSequence()) {
    for (const YAML::Node& item : node) list.push_back(item.Scalar());
  }
  return list;
}

ClaimRun run_of(const YAML::Node& node) {
  ClaimRun run;
  run.text = YAML::Dump(node);
  run.op = node["op"].Scalar();
  if (node["dtype"].IsDefined()) run.dtypes = scalars(node["dtype"]);
  for (const auto& pair : node["sweep"]) {
    const std::vector<std::string> values = scalars(pair.second);  // empty for {from, to, factor}
    if (!values.empty()) run.values[pair.first.Scalar()] = values;
  }
  return run;
}

// One workload mapping or a list of them, each kept as text for the workload reader.
std::vector<ClaimRun> read_run(const std::string& key, StrictMap& claim) {
  std::vector<ClaimRun> runs;
  const YAML::Node node = claim.node(key);
  if (!node.IsDefined()) return runs;
  std::vector<YAML::Node> list;
  if (node.IsSequence()) {
    for (const YAML::Node& item : node) list.push_back(item);
  } else {
    list.push_back(node);
  }
  for (const YAML::Node& run : list) {
    if (!run.IsMap() || !run["op"].IsDefined() || !run["sweep"].IsDefined()) {
      claim.fault(key, fmt::format("\"{}\" must hold workload mappings with op and sweep", key));
      return {};
    }
    for (const char* derived : {"name", "variants", "baseline"}) {
      if (run[derived].IsDefined()) {
        claim.fault(key, fmt::format("\"{}\" must not hold \"{}\": it follows from the claim", key,
                                     derived));
      }
    }
    runs.push_back(run_of(run));
  }
  return runs;
}

void check_testable(const Claim& claim, StrictMap& map) {
  const ClaimMetric* metric = find_claim_metric(claim.metric);
  const bool has_run = !claim.run.empty() || !claim.run_cuda.empty();
  const bool testable = metric != nullptr && metric->from_rows && claim.contender.ours() && has_run;
  if (testable || !claim.not_testable.empty()) return;
  map.fault(
      "not_testable",
      "nothing here can judge the claim (its contender is external, its metric has no rows, or "
      "no run is given), so \"not_testable\" must say why");
}

Claim read_claim(const YAML::Node& node, const std::string& file, const Claim& paper,
                 YamlErrors& errors) {
  StrictMap map(node, "claim", errors);
  Claim claim = paper;
  claim.file = file;
  claim.line = map.line();
  claim.id = map.required_text("id");
  const std::string what = "claim " + claim.id;
  StrictMap named(node, what, errors);
  named.node("id");
  claim.statement = named.required_text("statement");
  claim.source = named.word("source", {"abstract", "table", "figure", "text", "derived"}, "text");
  claim.seen = named.word("seen", {"abstract", "repository", "secondary", "derived", "unstated"},
                          "unstated");
  claim.hardware = named.required_text("hardware");
  claim.hardware_class = named.word("hardware_class", {"cpu", "gpu", "other", "any"}, "other");
  claim.setting = named.required_text("setting");
  claim.contender = read_side(named, "contender", what, errors);
  claim.baseline = read_side(named, "baseline", what, errors);
  claim.strongest = read_side(named, "strongest", what, errors);
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
  claim.needs = read_needs(named.node("needs"), what, errors);
  claim.run = read_run("run", named);
  claim.run_cuda = read_run("run_cuda", named);
  claim.together = named.flag("together");
  claim.figure = named.text("figure");
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

std::vector<Claim> read_claims(const YAML::Node& root, const std::string& file,
                               YamlErrors& errors) {
  std::vector<Claim> claims;
  StrictMap map(root, "claims file", errors);
  Claim paper;
  paper.paper = map.required_text("paper");
  paper.arxiv = map.text("arxiv");
  const YAML::Node list = map.node("claims");
  if (!list.IsDefined() || !list.IsSequence() || list.size() == 0) {
    map.fault("claims", "\"claims\" must be a list with at least one claim");
  } else {
    for (const YAML::Node& node : list) claims.push_back(read_claim(node, file, paper, errors));
  }
  map.refuse_unknown();
  return claims;
}

void refuse_duplicates(const std::vector<Claim>& claims, std::vector<std::string>& all) {
  std::map<std::string, const Claim*> first;
  for (const Claim& claim : claims) {
    const auto [it, fresh] = first.emplace(claim.id, &claim);
    if (fresh) continue;
    all.push_back(fmt::format("{}:{}: claim id \"{}\" is already in {}:{}; give one another id",
                              claim.file, claim.line, claim.id, it->second->file,
                              it->second->line));
  }
}

std::vector<std::string> files_of(const std::string& path, std::vector<std::string>& all) {
  namespace fs = std::filesystem;
  if (!fs::is_directory(path)) return {path};
  std::vector<std::string> found;
  for (const auto& entry : fs::directory_iterator(path)) {
    if (entry.path().extension() == ".yaml") found.push_back(entry.path().string());
  }
  if (found.empty()) all.push_back(path + ": holds no *.yaml");
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

std::vector<Claim> load_claims(const std::vector<std::string>& paths) {
  std::vector<std::string> all;
  std::vector<Claim> claims;
  for (const std::string& path : paths) {
    for (const std::string& file : files_of(path, all)) {
      YamlErrors errors(file, all);
      const std::size_t before = all.size();
      const YAML::Node root = read_yaml(file, errors);
      if (all.size() > before) continue;
      const std::vector<Claim> more = read_claims(root, file, errors);
      claims.insert(claims.end(), more.begin(), more.end());
    }
  }
  refuse_duplicates(claims, all);
  throw_if_any(all);
  return claims;
}

std::string claim_workload(const std::string& run, const std::string& name,
                           const std::vector<std::string>& variants, const std::string& baseline) {
  YAML::Node workload = YAML::Load(run);
  workload["name"] = name;
  workload["variants"] = variants;
  if (!baseline.empty()) workload["baseline"] = baseline;
  YAML::Node list;
  list.push_back(workload);
  return YAML::Dump(list) + "\n";
}

}  // namespace sb
