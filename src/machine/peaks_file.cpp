// Ceilings on disk: JSON with the identity of the machine that they belong to.
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <stdexcept>

#include "machine/peaks.h"
#include "machine/topology.h"

namespace sb {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr int kPeaksVersion = 2;  // 1: FLOP ceilings were measured on one merged chain

Json to_json(const Roof& roof) {
  return {{"id", roof.id},       {"device", roof.device},   {"is_flops", roof.is_flops},
          {"level", roof.level}, {"kind", roof.kind},       {"isa", roof.isa},
          {"dtype", roof.dtype}, {"threads", roof.threads}, {"value", roof.value},
          {"lo", roof.lo},       {"hi", roof.hi},           {"source", roof.source}};
}

Roof roof_from(const Json& json) {
  return {.id = json.at("id"),
          .is_flops = json.at("is_flops"),
          .level = json.at("level"),
          .kind = json.at("kind"),
          .isa = json.at("isa"),
          .dtype = json.at("dtype"),
          .threads = json.at("threads"),
          .value = json.at("value"),
          .lo = json.at("lo"),
          .hi = json.at("hi"),
          .source = json.at("source"),
          .device = json.value("device", "cpu")};
}

Peaks peaks_from(const Json& json, const std::string& path) {
  if (json.at("version") != kPeaksVersion) {
    throw std::runtime_error(path + ": ceilings of another version; run softmax-bench peaks again");
  }
  Peaks peaks;
  json.at("identity").get_to(peaks.identity);
  json.at("date").get_to(peaks.date);
  json.at("level_bytes").get_to(peaks.level_bytes);
  peaks.gpu = json.value("gpu", "");
  peaks.gpu_l2_bytes = json.value("gpu_l2_bytes", std::int64_t{0});
  for (const Json& roof : json.at("roofs")) peaks.roofs.push_back(roof_from(roof));
  return peaks;
}

std::string environment_or(const char* name, const std::string& otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : otherwise;
}

}  // namespace

void save_peaks(const Peaks& peaks, const std::string& path) {
  Json json = {{"version", kPeaksVersion}, {"identity", peaks.identity},
               {"date", peaks.date},       {"level_bytes", peaks.level_bytes},
               {"gpu", peaks.gpu},         {"gpu_l2_bytes", peaks.gpu_l2_bytes},
               {"roofs", Json::array()}};
  for (const Roof& roof : peaks.roofs) json["roofs"].push_back(to_json(roof));
  std::error_code error;
  fs::create_directories(fs::absolute(path).parent_path(), error);
  // Beside it first: a run that reads meanwhile sees the old file or the new one.
  const std::string next = path + ".next";
  {
    std::ofstream file(next);
    file << json.dump(2) << "\n";
    file.close();
    if (!file) throw std::runtime_error(path + ": cannot be written; name another file with --out");
  }
  fs::rename(next, path, error);
  if (error) throw std::runtime_error(path + ": cannot be written: " + error.message());
}

Peaks load_peaks(const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    throw std::runtime_error(path + ": no ceilings here; measure them with softmax-bench peaks");
  }
  Peaks peaks;
  try {
    peaks = peaks_from(Json::parse(file), path);
  } catch (const Json::exception&) {
    throw std::runtime_error(path + ": not a peaks file; measure again with softmax-bench peaks");
  }
  if (peaks.identity != machine_identity()) {
    throw std::runtime_error(path + ": ceilings of another machine (" + peaks.identity +
                             "); measure this one with softmax-bench peaks");
  }
  return peaks;
}

std::string peaks_cache_path() {
  if (const std::string given = environment_or("SOFTMAX_BENCH_PEAKS", ""); !given.empty()) {
    return given;
  }
  const std::string home = environment_or("HOME", "/tmp");
  const fs::path cache = environment_or("XDG_CACHE_HOME", home + "/.cache");
  char hash[17];
  std::snprintf(hash, sizeof hash, "%016zx", std::hash<std::string>{}(machine_identity()));
  return cache / "softmax-bench" / (std::string("peaks-") + hash + ".json");
}

}  // namespace sb
