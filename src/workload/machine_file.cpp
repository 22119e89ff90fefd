#include "workload/machine_file.h"

#include <fmt/format.h>

#include <set>

#include "workload/strict_map.h"

namespace sb {
namespace {

constexpr double kMostGiga = 1e9;  // 10^18 per second: nothing made reaches it

Roof bandwidth_roof(StrictMap& map) {
  Roof roof;
  roof.level = map.word("level", {"L1", "L2", "L3", "mem"}, "mem");
  roof.kind = map.word("kind", {"read", "copy", "triad", "copy_nt", "triad_nt"}, "triad");
  roof.value = map.number_in("gb_per_s", 1e-3, kMostGiga, 0) * 1e9;
  roof.threads = map.integer_in("threads", 1, 65536, 1);
  roof.id = fmt::format("{}/{}/t{}", roof.level, roof.kind, roof.threads);
  return roof;
}

Roof flop_roof(StrictMap& map) {
  Roof roof;
  roof.is_flops = true;
  roof.isa = map.word("isa", {"scalar", "avx2", "avx512", "cuda"}, "cuda");
  roof.dtype = map.word("dtype", {"f32", "f64", "bf16", "f16"}, "f32");
  roof.kind = map.word("kind", {"fma", "dot", "mma"}, "fma");
  roof.value = map.number_in("gflop_per_s", 1e-3, kMostGiga, 0) * 1e9;
  roof.threads = map.integer_in("threads", 1, 65536, 1);
  roof.id = fmt::format("{}/{}/{}/t{}", roof.kind, roof.isa, roof.dtype, roof.threads);
  return roof;
}

Roof read_roof(const YAML::Node& node, YamlErrors& errors) {
  StrictMap map(node, "roof", errors);
  if (map.has("gb_per_s") == map.has("gflop_per_s")) {
    errors.add(node.Mark(), "a roof has either \"gb_per_s\" or \"gflop_per_s\"");
    return {};
  }
  Roof roof = map.has("gb_per_s") ? bandwidth_roof(map) : flop_roof(map);
  roof.lo = roof.hi = roof.value;
  roof.source = "declared";
  roof.device = "";
  map.refuse_unknown();
  return roof;
}

Peaks read_machine(const YAML::Node& root, YamlErrors& errors) {
  Peaks peaks;
  StrictMap map(root, "machine", errors);
  peaks.identity = map.required_text("name");
  map.required_text("source");
  std::set<std::string> ids;
  for (const YAML::Node& node : map.node("roofs")) {
    Roof roof = read_roof(node, errors);
    if (!roof.id.empty() && !ids.insert(roof.id).second) {
      errors.add(node.Mark(), fmt::format("the roof {} is declared twice", roof.id));
    }
    peaks.roofs.push_back(std::move(roof));
  }
  if (peaks.roofs.empty()) map.fault("roofs", "\"roofs\" is missing or empty");
  map.refuse_unknown();
  return peaks;
}

}  // namespace

Peaks load_machine(const std::string& file) {
  std::vector<std::string> all;
  YamlErrors errors(file, all);
  const YAML::Node root = read_yaml(file, errors);
  Peaks peaks;
  if (all.empty()) peaks = read_machine(root, errors);
  throw_if_any(all);
  return peaks;
}

}  // namespace sb
