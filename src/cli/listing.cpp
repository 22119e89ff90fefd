#include "cli/listing.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <exception>
#include <filesystem>

#include "cli/data_dir.h"
#include "cli/environment.h"
#include "cli/peers.h"
#include "core/registry.h"
#include "core/row.h"
#include "machine/topology.h"
#include "workload/workload.h"

namespace sb {
namespace {

using Json = nlohmann::ordered_json;

Json names_of_dtypes(const std::vector<Dtype>& dtypes) {
  Json names = Json::array();
  for (const Dtype dtype : dtypes) names.push_back(name_of(dtype));
  return names;
}

// A problem with every size as near to `size` as its parameter allows, but 1 for the parameter
// `small` (so that groups divide channels, say); false if the operation has no such problem.
bool example_problem(const Operation& op, std::int64_t size, std::string_view small,
                     Problem& problem) {
  std::map<std::string, std::string> values;
  for (const ParamSpec& spec : op.params()) {
    if (!spec.default_value.empty()) continue;
    const std::int64_t wanted = spec.name == small ? 1 : size;
    values[spec.name] = spec.choices.empty()
                            ? std::to_string(std::clamp(wanted, spec.min, spec.max))
                            : spec.choices.front();
  }
  try {
    problem.params = Params(op.params(), values);
    return op.why_not(problem).empty();
  } catch (const std::exception&) {
    return false;
  }
}

int variants_on(Device device) {
  const auto all = Registry::instance().variants();
  return static_cast<int>(
      std::count_if(all.begin(), all.end(), [&](auto* v) { return v->device == device; }));
}

std::string why_no_simt() {
  return variants_on(Device::kSimt) > 0 ? "" : "this program was built without kernels for fibers";
}
std::string why_no_ptx() {
  return variants_on(Device::kPtx) > 0 ? "" : "this program was built without a CUDA toolkit";
}

Json parameter(const ParamSpec& spec) {
  Json described = {{"name", spec.name}, {"doc", spec.doc}};
  if (!spec.choices.empty()) {
    described["choices"] = spec.choices;
  } else {
    described["min"] = spec.min;
    if (spec.max != INT64_MAX) described["max"] = spec.max;
  }
  if (!spec.default_value.empty()) described["default"] = spec.default_value;
  return described;
}

}  // namespace

std::string why_not_here(const Variant& variant) {
  if (std::string why = why_isa_unavailable(variant.isa); !why.empty()) return why;
  const Operation* op = Registry::instance().find_operation(variant.op);
  if (op == nullptr) return "its operation is not part of this program";
  std::vector<std::string> smalls = {""};
  for (const ParamSpec& spec : op->params()) smalls.push_back(spec.name);
  std::string why;
  for (const std::int64_t size : {1024, 64, 8, 1}) {
    for (const std::string& small : smalls) {
      Problem problem;
      problem.dtype = variant.dtypes.front();
      if (!example_problem(*op, size, small, problem)) continue;
      why = why_not(variant, problem);
      if (why.empty()) return "";  // what it refuses at other sizes is not the machine's fault
    }
  }
  return why;
}

std::string why_no_cuda() {
  for (const Variant* variant : Registry::instance().variants()) {
    if (variant->device == Device::kCuda) return why_not_here(*variant);
  }
  return "this program was built without CUDA variants";
}

Json list_operations() {
  Json all = Json::array();
  for (const Operation* op : Registry::instance().operations()) {
    Json parameters = Json::array();
    for (const ParamSpec& spec : op->params()) parameters.push_back(parameter(spec));
    all.push_back({{"name", op->name()},
                   {"formula", op->formula()},
                   {"params", parameters},
                   {"dtypes", names_of_dtypes(op->dtypes())},
                   {"fills", op->fills()},
                   {"variants", Registry::instance().variants_of(op->name()).size()}});
  }
  return all;
}

Json list_variants() {
  Json all = Json::array();
  for (const Variant* v : Registry::instance().variants()) {
    if (!is_timed(v->device)) continue;  // the twin of a CUDA variant
    const std::string why = why_not_here(*v);
    all.push_back({{"name", v->full_name()},
                   {"op", v->op},
                   {"variant", v->name},
                   {"isa", name_of(v->isa)},
                   {"device", name_of(v->device)},
                   {"dtypes", names_of_dtypes(v->dtypes)},
                   {"runs_here", why.empty()},
                   {"reason", why},
                   {"summary", v->summary},
                   {"paper", v->paper},
                   {"source", v->source}});
  }
  return all;
}

Json list_workloads() {
  Json all = Json::array();
  std::vector<std::string> files;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(data_dir() / "configs", ignored)) {
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  for (const std::string& file : files) {
    if (!looks_like_workloads(file)) continue;
    std::vector<std::string> errors = mention_peers(file);
    for (const Workload& workload : read_workloads({file}, errors)) {
      all.push_back({{"name", workload.name},
                     {"file", portable_name(file)},
                     {"op", workload.op == nullptr ? "?" : workload.op->name()},
                     {"description", workload.description},
                     {"errors", errors}});
    }
  }
  return all;
}

Json list_devices() {
  const Topology& t = topology();
  Json isas = Json::object();
  for (const Isa isa : {Isa::kScalar, Isa::kAvx2, Isa::kAvx512, Isa::kAmx}) {
    isas[std::string(name_of(isa))] = why_isa_unavailable(isa);
  }
  const std::string no_cuda = why_no_cuda();
  const std::string no_simt = why_no_simt();
  const std::string no_ptx = why_no_ptx();
  Json cuda = {{"device", "cuda"},
               {"runs_here", no_cuda.empty()},
               {"reason", no_cuda},
               {"variants", variants_on(Device::kCuda)}};
  if (no_cuda.empty()) cuda.update(gpu_identity());
  return {{{"device", "cpu"},
           {"name", t.cpu_model},
           {"runs_here", true},
           {"reason", ""},
           {"cores", t.cores},
           {"memory_bytes", t.memory_bytes},
           {"isa", isas}},
          cuda,
          {{"device", "simt"},
           {"name", "CUDA kernels on CPU fibers; verify only"},
           {"runs_here", no_simt.empty()},
           {"reason", no_simt},
           {"variants", variants_on(Device::kSimt)}},
          {{"device", "ptx"},
           {"name", "nvcc's PTX of the CUDA kernels, interpreted on CPU fibers; verify only"},
           {"runs_here", no_ptx.empty()},
           {"reason", no_ptx},
           {"variants", variants_on(Device::kPtx)}}};
}

Json list_columns() {
  Json all = Json::array();
  for (const Column& column : columns()) {
    all.push_back({{"name", column.name},
                   {"group", column.group},
                   {"unit", column.unit},
                   {"doc", column.doc}});
  }
  return all;
}

}  // namespace sb
