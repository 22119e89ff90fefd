#include "cli/result_files.h"

#include <fmt/format.h>

#include <filesystem>

#include "cli/data_dir.h"
#include "cli/exit_code.h"
#include "report/csv.h"
#include "workload/gate_policy_file.h"

namespace sb {

RunRows read_run(const std::string& path) {
  std::filesystem::path file = path;
  if (std::filesystem::is_directory(file)) file /= "results.csv";
  CsvRows csv = read_csv(file.string());
  if (csv.rows.empty()) {
    throw UsageError(fmt::format("{}: holds no rows; give the results.csv of a run that measured",
                                 file.string()));
  }
  return {file.string(), std::move(csv.rows), std::move(csv.lines)};
}

GatePolicy policy_from(const std::string& file) {
  if (!file.empty()) return load_gate_policy(find_file(file));
  const std::string usual = find_file("configs/gate.yaml");
  return std::filesystem::exists(usual) ? load_gate_policy(usual) : GatePolicy{};
}

}  // namespace sb
