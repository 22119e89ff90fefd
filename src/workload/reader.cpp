// One mapping of a workload file -> Workload. Reads on after an error, so that all are reported.
#include <algorithm>
#include <functional>
#include <utility>

#include "core/registry.h"
#include "workload/peers_key.h"
#include "workload/values.h"
#include "workload/workload.h"
#include "workload/yaml_file.h"

namespace sb {
namespace {

constexpr std::int64_t kMostRounds = 10000;
constexpr std::int64_t kMostRangeEnd = std::int64_t{1} << 53;  // exact in a double
constexpr double kLongestSample = 60;
constexpr double kLongestCase = 86400;

class Reader {
 public:
  Reader(std::string file, YamlErrors& errors) : errors_(errors) {
    workload_.file = std::move(file);
  }

  Workload read(const YAML::Node& map) {
    workload_.place = errors_.place(map.Mark());
    collect(map);
    read_name(map);
    read_op(map);
    if (has("description")) workload_.description = word("description");
    read_protocol();
    if (has("peers")) {
      workload_.peers = read_peer_specs(find("peers")->mark, find("peers")->value, errors_);
    }
    if (workload_.op != nullptr) read_what_the_operation_knows();
    return std::move(workload_);
  }

 private:
  struct Entry {
    YAML::Mark mark;
    YAML::Node value;
  };

  static const std::vector<std::string>& keys() {
    static const std::vector<std::string> all = {
        "name",    "description", "op",   "dtype", "sweep",  "peers",    "variants", "baseline",
        "threads", "cache",       "fill", "seed",  "rounds", "min_time", "timeout"};
    return all;
  }

  void collect(const YAML::Node& map) {
    for (const auto& pair : map) {
      if (!pair.first.IsScalar()) {
        errors_.add(pair.first.Mark(), "a key must be a word");
        continue;
      }
      const std::string& key = pair.first.Scalar();
      if (std::find(keys().begin(), keys().end(), key) == keys().end()) {
        errors_.add(pair.first.Mark(),
                    fmt::format("unknown key \"{}\"{}", key, suggestion(key, keys())));
      } else if (has(key)) {
        errors_.add(pair.first.Mark(), fmt::format("key \"{}\" appears twice; remove one", key));
      } else {
        entries_.emplace_back(key, Entry{pair.first.Mark(), pair.second});
      }
    }
  }

  const Entry* find(std::string_view key) const {
    for (const auto& [name, entry] : entries_) {
      if (name == key) return &entry;
    }
    return nullptr;
  }
  bool has(std::string_view key) const { return find(key) != nullptr; }

  void check(const YAML::Mark& mark, const std::string& problem) {
    if (!problem.empty()) errors_.add(mark, problem);
  }

  // The scalar of a key; empty after an error.
  std::string word(std::string_view key) {
    const Entry& entry = *find(key);
    if (entry.value.IsScalar()) return entry.value.Scalar();
    errors_.add(entry.mark,
                fmt::format("{} must be one word or number, not a {}", key, kind(entry.value)));
    return "";
  }

  static std::string_view kind(const YAML::Node& node) {
    return node.IsSequence() ? "list" : node.IsMap() ? "mapping" : "blank";
  }

  // Every scalar of a list, or a lone scalar as a list of one, given to `take` once.
  void each(const std::string& what, const YAML::Mark& mark, const YAML::Node& node,
            const std::function<void(const YAML::Mark&, const std::string&)>& take) {
    if (node.IsScalar()) return take(node.Mark(), node.Scalar());
    if (!node.IsSequence() || node.size() == 0) {
      return errors_.add(mark, fmt::format("{} must be a list of at least one value", what));
    }
    if (node.size() > kMostValues) {
      return errors_.add(mark, fmt::format("{} has more than {} values", what, kMostValues));
    }
    std::vector<std::string> seen;
    for (const YAML::Node& item : node) {
      if (!item.IsScalar()) {
        errors_.add(item.Mark(),
                    fmt::format("{} holds a {} where a value belongs", what, kind(item)));
      } else if (std::find(seen.begin(), seen.end(), item.Scalar()) != seen.end()) {
        errors_.add(item.Mark(), fmt::format("\"{}\" appears twice in {}", item.Scalar(), what));
      } else {
        seen.push_back(item.Scalar());
        take(item.Mark(), item.Scalar());
      }
    }
  }
  void each(const std::string& key,
            const std::function<void(const YAML::Mark&, const std::string&)>& take) {
    each(key, find(key)->mark, find(key)->value, take);
  }

  void read_name(const YAML::Node& map) {
    if (!has("name")) {
      return errors_.add(map.Mark(), "a workload needs a name, unique in a run");
    }
    workload_.name = word("name");
    const bool plain = std::all_of(
        workload_.name.begin(), workload_.name.end(),
        [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.'; });
    if (workload_.name.empty() || !plain) {
      errors_.add(
          find("name")->value.Mark(),
          fmt::format("name \"{}\" must be of letters, digits, '-', '_' and '.': it is part "
                      "of a case's name",
                      workload_.name));
    }
  }

  void read_op(const YAML::Node& map) {
    if (!has("op")) return errors_.add(map.Mark(), "a workload needs an op, e.g. op: softmax");
    const std::string name = word("op");
    workload_.op = Registry::instance().find_operation(name);
    if (workload_.op != nullptr || name.empty()) return;
    std::vector<std::string> known;
    for (const Operation* op : Registry::instance().operations()) known.emplace_back(op->name());
    errors_.add(find("op")->value.Mark(),
                fmt::format("unknown op \"{}\"{}", name, suggestion(name, known)));
    // Nothing will run; but the rest of the file can be checked as if the word were right.
    workload_.op = Registry::instance().find_operation(nearest(name, known));
  }

  void read_protocol() {
    if (has("threads")) {
      workload_.threads.clear();
      each("threads", [&](const YAML::Mark& mark, const std::string& text) {
        check(mark, read_threads(text, workload_.threads.emplace_back()));
      });
    }
    if (has("cache")) {
      workload_.cache.clear();
      each("cache", [&](const YAML::Mark& mark, const std::string& text) {
        check(mark, read_cache(text, workload_.cache.emplace_back()));
      });
    }
    std::int64_t integer = 0;
    if (has("seed") && read_number("seed", 0, INT64_MAX, integer)) {
      workload_.seed = static_cast<std::uint64_t>(integer);
    }
    if (has("rounds") && read_number("rounds", 1, kMostRounds, integer)) {
      workload_.rounds = static_cast<int>(integer);
    }
    read_time("min_time", kLongestSample, workload_.min_time_s);
    read_time("timeout", kLongestCase, workload_.timeout_s);
  }

  bool read_number(std::string_view key, std::int64_t min, std::int64_t max, std::int64_t& value) {
    const std::string text = word(key);
    if (text.empty()) return false;
    const std::string problem = read_integer(text, min, max, value);
    if (!problem.empty()) errors_.add(find(key)->value.Mark(), fmt::format("{}: {}", key, problem));
    return problem.empty();
  }

  void read_time(std::string_view key, double max, double& value) {
    if (!has(key)) return;
    const std::string text = word(key);
    if (text.empty()) return;
    const std::string problem = read_seconds(text, max, value);
    if (!problem.empty()) errors_.add(find(key)->value.Mark(), fmt::format("{}: {}", key, problem));
  }

  void read_what_the_operation_knows() {
    const Operation& op = *workload_.op;
    if (has("dtype")) {
      each("dtype", [&](const YAML::Mark& mark, const std::string& text) {
        check(mark, read_dtype(text, op, workload_.dtypes.emplace_back()));
      });
    } else {
      workload_.dtypes = {op.dtypes().front()};
    }
    workload_.fill = op.default_fill();
    if (has("fill")) {
      const std::string text = word("fill");
      if (!text.empty()) check(find("fill")->value.Mark(), read_fill(text, op, workload_.fill));
    }
    if (has("variants")) {
      workload_.variants.clear();
      each("variants", [&](const YAML::Mark& mark, const std::string& text) {
        workload_.variants.push_back(text);
        check(mark, check_glob(text, op));
      });
    }
    if (has("baseline")) {
      workload_.baseline = word("baseline");
      if (!workload_.baseline.empty()) {
        check(find("baseline")->value.Mark(),
              check_baseline(workload_.baseline, op, workload_.variants));
      }
    }
    if (has("sweep")) read_sweep(*find("sweep"));
  }

  void read_sweep(const Entry& sweep) {
    if (!sweep.value.IsMap()) {
      return errors_.add(sweep.mark,
                         "sweep must be a mapping, e.g. sweep: {rows: [1], cols: [1024]}");
    }
    for (const auto& pair : sweep.value) {
      if (!pair.first.IsScalar()) {
        errors_.add(pair.first.Mark(), "a parameter must be a word");
        continue;
      }
      const std::string& name = pair.first.Scalar();
      const auto same = [&](const Axis& axis) { return axis.name == name; };
      if (std::any_of(workload_.sweep.begin(), workload_.sweep.end(), same)) {
        errors_.add(pair.first.Mark(),
                    fmt::format("parameter \"{}\" appears twice; remove one", name));
        continue;
      }
      if (const std::string problem = check_param_name(*workload_.op, name); !problem.empty()) {
        errors_.add(pair.first.Mark(), problem);
        continue;
      }
      read_axis(name, pair.first.Mark(), pair.second);
    }
  }

  void read_axis(const std::string& name, const YAML::Mark& mark, const YAML::Node& node) {
    Axis axis{name, {}};
    if (node.IsMap()) {
      axis.values = read_range(name, mark, node);
      const auto wrong = std::find_if(
          axis.values.begin(), axis.values.end(),
          [&](const auto& value) { return !check_param(*workload_.op, name, value).empty(); });
      if (wrong != axis.values.end()) errors_.add(mark, check_param(*workload_.op, name, *wrong));
    } else {
      each(name, mark, node, [&](const YAML::Mark& at, const std::string& text) {
        axis.values.push_back(text);
        check(at, check_param(*workload_.op, name, text));
      });
    }
    workload_.sweep.push_back(std::move(axis));
  }

  std::vector<std::string> read_range(const std::string& name, const YAML::Mark& mark,
                                      const YAML::Node& node) {
    static const std::vector<std::string> kKeys = {"from", "to", "factor", "step"};
    Range range;
    std::vector<std::string> seen;
    bool sound = true;
    const auto fail = [&](const YAML::Mark& at, const std::string& what) {
      errors_.add(at, what);
      sound = false;
    };
    for (const auto& pair : node) {
      const std::string key = pair.first.IsScalar() ? pair.first.Scalar() : "?";
      if (std::find(kKeys.begin(), kKeys.end(), key) == kKeys.end()) {
        fail(pair.first.Mark(), fmt::format("unknown key \"{}\" in the range of {}{}", key, name,
                                            suggestion(key, kKeys)));
        continue;
      }
      if (std::find(seen.begin(), seen.end(), key) != seen.end()) {
        fail(pair.first.Mark(), fmt::format("key \"{}\" appears twice; remove one", key));
        continue;
      }
      seen.push_back(key);
      const std::string text = pair.second.IsScalar() ? pair.second.Scalar() : "";
      const std::string problem = set_range_end(range, key, text);
      if (!problem.empty())
        fail(pair.second.Mark(), fmt::format("{} of {}: {}", key, name, problem));
    }
    for (const char* key : {"from", "to"}) {
      if (sound && std::find(seen.begin(), seen.end(), key) == seen.end()) {
        fail(mark, fmt::format("the range of {} needs from, to, and factor or step", name));
      }
    }
    std::vector<std::string> values;
    if (sound) {
      if (const std::string problem = expand(range, values); !problem.empty()) {
        fail(mark, fmt::format("{}: {}", name, problem));
      }
    }
    return sound ? values : std::vector<std::string>{};
  }

  static std::string set_range_end(Range& range, const std::string& key, const std::string& text) {
    if (key == "factor") return read_factor(text, range.factor);
    std::int64_t& end = key == "from" ? range.from : key == "to" ? range.to : range.step;
    return read_integer(text, key == "step" ? 1 : 0, kMostRangeEnd, end);
  }

  Workload workload_;
  YamlErrors& errors_;
  std::vector<std::pair<std::string, Entry>> entries_;
};

void read_document(const YAML::Node& root, const std::string& file, YamlErrors& errors,
                   std::vector<Workload>& workloads) {
  if (root.IsNull()) return;
  if (root.IsMap()) {
    workloads.push_back(Reader(file, errors).read(root));
  } else if (root.IsSequence() && root.size() > 0) {
    for (const YAML::Node& item : root) {
      if (item.IsMap()) {
        workloads.push_back(Reader(file, errors).read(item));
      } else {
        errors.add(item.Mark(), "a workload must be a mapping: name, op, sweep, ...");
      }
    }
  } else {
    errors.add(root.Mark(),
               "a workload file is a mapping (name, op, sweep, ...) or a list of them");
  }
}

void check_names(const std::vector<Workload>& workloads, std::vector<std::string>& errors) {
  for (std::size_t i = 0; i < workloads.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (workloads[i].name.empty() || workloads[i].name != workloads[j].name) continue;
      errors.push_back(fmt::format("{}: the name \"{}\" is taken by {}; rename one of them",
                                   workloads[i].place, workloads[i].name, workloads[j].place));
      break;
    }
  }
}

}  // namespace

std::vector<Workload> read_workloads(const std::vector<std::string>& files,
                                     std::vector<std::string>& errors) {
  std::vector<Workload> workloads;
  for (const std::string& file : files) {
    YamlErrors file_errors(file, errors);
    read_document(read_yaml(file, file_errors), file, file_errors, workloads);
  }
  check_names(workloads, errors);
  return workloads;
}

std::vector<Workload> parse_workloads(const std::string& text, const std::string& name,
                                      std::vector<std::string>& errors) {
  std::vector<Workload> workloads;
  YamlErrors text_errors(name, errors);
  read_document(parse_yaml(text, text_errors), name, text_errors, workloads);
  check_names(workloads, errors);
  return workloads;
}

bool looks_like_workloads(const std::string& file) {
  std::vector<std::string> ignored;
  YamlErrors errors(file, ignored);
  const YAML::Node root = read_yaml(file, errors);
  const YAML::Node first = root.IsSequence() && root.size() > 0 ? root[0] : root;
  if (!first.IsMap()) return false;
  for (const auto& pair : first) {
    if (pair.first.IsScalar() && pair.first.Scalar() == "op") return true;
  }
  return false;
}

}  // namespace sb
