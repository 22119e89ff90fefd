#include "cli/run_output.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "cli/exit_code.h"
#include "report/csv.h"
#include "report/csv_text.h"
#include "report/long_form.h"

namespace sb {
namespace {

namespace fs = std::filesystem;

constexpr const char* kResults = "results.csv";
constexpr const char* kSamples = "samples.csv";
constexpr const char* kMetrics = "metrics.csv";
constexpr const char* kRun = "run.json";

[[noreturn]] void fail(const std::string& path, const std::string& what, int error) {
  const char* cure = error == ENOSPC   ? "; free some space, or choose another place with --out"
                     : error == EACCES ? "; choose a writable place with --out"
                                       : "";
  throw UsageError(fmt::format("{}: {}: {}{}", path, what, std::strerror(error), cure));
}

void write_json(const std::string& path, const nlohmann::json& value) {
  std::error_code ignored;
  fs::remove(path, ignored);
  AppendFile(path, value.dump(2) + "\n");
}

std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// In one step, so that a kill in between loses nothing.
void replace_file(const std::string& path, const std::string& text) {
  const std::string next = path + ".next";
  std::error_code error;
  fs::remove(next, error);
  { const AppendFile whole(next, text); }  // written and closed
  fs::rename(next, path, error);
  if (error) fail(path, "cannot be replaced", error.value());
}

// A CSV beside the run is written anew; a device or pipe cannot be.
AppendFile fresh_csv(const std::string& path, const std::string& text) {
  std::error_code ignored;
  if (fs::is_regular_file(path, ignored)) fs::remove(path, ignored);
  return AppendFile(path, text);
}

std::string identity(const PlannedGroup& planned, const Variant& variant) {
  return identity_of(identity_row(planned.group, variant));
}

// Rows of a group are handed over together; where some are missing, the others are not evidence
// about them, and all are measured again.
std::set<std::string> incomplete(const std::vector<PlannedGroup>& groups,
                                 const std::set<std::string>& done) {
  std::set<std::string> again;
  for (const PlannedGroup& planned : groups) {
    std::set<std::string> present;
    for (const Variant* variant : planned.group.variants) {
      const std::string id = identity(planned, *variant);
      if (done.contains(id)) present.insert(id);
    }
    if (present.size() < planned.group.variants.size()) again.merge(present);
  }
  return again;
}

// Keeps the whole lines of a long-form file whose row is still there.
void prune_long_form(const std::string& path, const std::string& header,
                     const std::set<std::string>& kept) {
  const std::string text = read_text(path);
  const std::vector<std::string> names = parse_csv(header).at(0).fields;
  std::string sound = header;
  for (const CsvRecord& record : parse_csv(text)) {
    if (!record.terminated || record.fields.size() != names.size() || record.fields == names)
      continue;
    Row row;
    for (const Column& column : columns()) {
      const auto at = std::find(names.begin(), names.end(), column.name);
      if (at == names.end()) continue;
      column.set(row, record.fields[static_cast<std::size_t>(at - names.begin())]);
    }
    if (kept.contains(identity_of(row))) sound += csv_record(record.fields);
  }
  if (sound != text) replace_file(path, sound);
}

MetricsByRow usable_metrics(const std::string& path) {
  try {
    return read_metrics(path);
  } catch (const CsvError& error) {
    throw UsageError(error.what());
  }
}

}  // namespace

AppendFile::AppendFile(const std::string& path, const std::string& header) : path_(path) {
  fd_ = path == "-" ? dup(STDOUT_FILENO)
                    : open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd_ < 0) fail(path, "cannot be written", errno);
  append(header);
}

AppendFile::~AppendFile() {
  if (fd_ >= 0) close(fd_);
}

AppendFile::AppendFile(AppendFile&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}

AppendFile& AppendFile::operator=(AppendFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(fd_, other.fd_);
  return *this;
}

void AppendFile::append(const std::string& text) {
  if (fd_ < 0) return;
  std::size_t written = 0;
  while (written < text.size()) {
    const ssize_t n = write(fd_, text.data() + written, text.size() - written);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail(path_ == "-" ? "stdout" : path_, "cannot be written", errno);
    written += static_cast<std::size_t>(n);
  }
}

RunOutput RunOutput::create(const OutputOptions& options) {
  RunOutput output;
  output.dir_ = options.dir;
  if (!options.dir.empty()) {
    const fs::path dir = options.dir;
    std::error_code error;
    fs::create_directories(dir, error);
    if (error) fail(options.dir, "cannot be created", error.value());
    if (fs::exists(dir / kResults)) {
      throw UsageError(
          fmt::format("{0}: already holds a run; go on with --resume {0}, or choose "
                      "another place with --out",
                      options.dir));
    }
    write_json(dir / kRun, options.run);
    write_json(dir / "env.json", options.environment);
    output.results_ = AppendFile(dir / kResults, csv_header());
    output.samples_ = AppendFile(dir / kSamples, samples_header());
    output.metrics_ = AppendFile(dir / kMetrics, metrics_header());
  }
  if (!options.csv.empty()) output.extra_csv_ = fresh_csv(options.csv, csv_header());
  return output;
}

RunOutput RunOutput::resume(const OutputOptions& options, const std::vector<PlannedGroup>& groups) {
  const fs::path dir = options.dir;
  RunOutput output;
  output.dir_ = options.dir;
  if (!fs::exists(dir / kResults)) AppendFile(dir / kResults, csv_header());  // killed at once
  try {
    output.rows_ = read_csv(dir / kResults, TruncatedTail::kDrop).rows;
  } catch (const CsvError& error) {
    throw UsageError(error.what());
  }
  const std::set<std::string> again = incomplete(groups, output.done());
  std::erase_if(output.rows_, [&](const Row& row) { return again.contains(identity_of(row)); });
  std::string sound = csv_header();
  for (const Row& row : output.rows_) sound += csv_row(row);
  replace_file(dir / kResults, sound);
  prune_long_form(dir / kSamples, samples_header(), output.done());
  prune_long_form(dir / kMetrics, metrics_header(), output.done());
  output.metrics_of_ = usable_metrics(dir / kMetrics);
  output.results_ = AppendFile(dir / kResults, "");
  output.samples_ = AppendFile(dir / kSamples, "");
  output.metrics_ = AppendFile(dir / kMetrics, "");
  if (!options.csv.empty()) output.extra_csv_ = fresh_csv(options.csv, sound);
  return output;
}

void RunOutput::add(const Row& row) {
  results_.append(csv_row(row));
  extra_csv_.append(csv_row(row));
  rows_.push_back(row);
}

void RunOutput::add_samples(const Row& row, const std::vector<Sample>& by_round) {
  samples_.append(samples_lines(row, by_round));
}

void RunOutput::add_metric(const Row& row, const Metric& metric) {
  metrics_.append(metrics_lines(row, {metric}));
  metrics_of_[identity_of(row)].push_back(metric);
}

std::set<std::string> RunOutput::done() const {
  std::set<std::string> identities;
  for (const Row& row : rows_) identities.insert(identity_of(row));
  return identities;
}

std::string RunOutput::csv_path() const {
  return dir_.empty() ? "" : (fs::path(dir_) / kResults).string();
}

std::string unused_run_id() {
  const std::string now = fmt::format("{:%Y%m%dT%H%M%SZ}", fmt::gmtime(std::time(nullptr)));
  std::string id = now;
  for (int i = 2; fs::exists(kRunsDir + id); ++i) id = fmt::format("{}-{}", now, i);
  return id;
}

nlohmann::json read_run_json(const std::string& dir) {
  const std::string path = fs::path(dir) / kRun;
  std::error_code ignored;
  if (!fs::exists(path, ignored)) {
    throw UsageError(fmt::format("{}: no run to resume here (it has no run.json)", dir));
  }
  try {
    return nlohmann::json::parse(read_text(path));
  } catch (const nlohmann::json::exception&) {
    throw UsageError(fmt::format("{}: not JSON; start the run again with another --out", path));
  }
}

}  // namespace sb
