// The files of a run, written so that neither a crash nor a full disk can pass for success.
#pragma once

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "core/operation.h"
#include "core/row.h"
#include "report/table.h"
#include "workload/workload.h"

namespace sb {

// A file to which whole texts are appended in single writes. Throws UsageError with file and cause.
class AppendFile {
 public:
  AppendFile() = default;
  AppendFile(const std::string& path, const std::string& header);  // "-": stdout
  ~AppendFile();
  AppendFile(AppendFile&& other) noexcept;
  AppendFile& operator=(AppendFile&& other) noexcept;
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;

  void append(const std::string& text);

 private:
  std::string path_;
  int fd_ = -1;
};

struct OutputOptions {
  std::string run_id;
  std::string dir;             // "": none
  std::string csv;             // "": none; "-": stdout
  nlohmann::json run;          // run.json: what --resume needs
  nlohmann::json environment;  // env.json
};

// results.csv, samples.csv, metrics.csv, env.json and run.json in a folder, and a CSV elsewhere.
class RunOutput {
 public:
  // Creates everything and writes the headers, so that an unwritable folder or a full disk shows
  // before the first measurement. Refuses a folder that already holds a run.
  static RunOutput create(const OutputOptions& options);

  // Opens a folder to go on: drops what a killed run left half written, and the rows of groups of
  // the plan that are not complete (their variants have to take turns again).
  static RunOutput resume(const OutputOptions& options, const std::vector<PlannedGroup>& groups);

  void add(const Row& row);
  void add_samples(const Row& row, const std::vector<Sample>& by_round);
  void add_metric(const Row& row, const Metric& metric);

  const std::vector<Row>& rows() const { return rows_; }  // of the earlier run as well
  const MetricsByRow& metrics() const { return metrics_of_; }
  std::set<std::string> done() const;  // identities of rows()
  std::string csv_path() const;        // for people

 private:
  std::string dir_;
  AppendFile results_;
  AppendFile samples_;
  AppendFile metrics_;
  AppendFile extra_csv_;
  std::vector<Row> rows_;
  MetricsByRow metrics_of_;
};

inline constexpr const char* kRunsDir = "results/runs/";
std::string unused_run_id();  // the time (UTC), and a number where a run of that second is there

// What --resume finds in a folder. Throws UsageError where there is no run in it.
nlohmann::json read_run_json(const std::string& dir);

}  // namespace sb
