#include "report/long_form.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <sstream>

#include "report/csv.h"
#include "report/csv_text.h"

namespace sb {
namespace {

constexpr const char* kBegan = "began_s";

std::vector<std::string> identity_names() {
  std::vector<std::string> names;
  for (const Column& column : columns()) {
    if (column.group == "identity") names.emplace_back(column.name);
  }
  return names;
}

std::vector<std::string> identity_fields(const Row& row) {
  std::vector<std::string> fields;
  for (const Column& column : columns()) {
    if (column.group == "identity") fields.push_back(column.get(row));
  }
  return fields;
}

std::string record(std::vector<std::string> fields, const std::vector<std::string>& more) {
  fields.insert(fields.end(), more.begin(), more.end());
  return csv_record(fields);
}

std::string text_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw CsvError(fmt::format("{}: cannot be read", path));
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

Row identity_from(const std::vector<std::string>& names, const std::vector<std::string>& fields) {
  Row row;
  for (const Column& column : columns()) {
    const auto at = std::find(names.begin(), names.end(), column.name);
    if (at != names.end()) column.set(row, fields[static_cast<std::size_t>(at - names.begin())]);
  }
  return row;
}

// Is it ours, or ours before the last column came?
bool is_header(std::vector<std::string> fields, const std::vector<std::string>& names) {
  if (names.back() == kBegan && fields.size() + 1 == names.size()) fields.emplace_back(kBegan);
  return fields == names;
}

// Calls take(identity, the fields behind the identity columns, file:line) for each record.
template <class Take>
void read_long_form(const std::string& path, const std::string& header, const Take& take) {
  const std::vector<CsvRecord> records = parse_csv(text_of(path));
  const std::vector<std::string> names = parse_csv(header).front().fields;
  if (records.empty() || !is_header(records.front().fields, names)) {
    throw CsvError(fmt::format("{}:1: the header is not this program's; measure again", path));
  }
  const auto identity = static_cast<std::ptrdiff_t>(identity_names().size());
  for (std::size_t i = 1; i < records.size(); ++i) {
    const CsvRecord& record = records[i];
    if (!record.terminated) return;
    const std::string place = fmt::format("{}:{}", path, record.line);
    if (record.fields.size() != records.front().fields.size()) {
      throw CsvError(fmt::format("{}: {} fields, the header has {}; measure again", place,
                                 record.fields.size(), records.front().fields.size()));
    }
    take(identity_of(identity_from(names, record.fields)),
         std::vector<std::string>(record.fields.begin() + identity, record.fields.end()), place);
  }
}

double number_from(const std::string& text, const std::string& place) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size() && std::isfinite(value)) {
    return value;
  }
  throw CsvError(fmt::format("{}: \"{}\" is no measurement; measure again", place, text));
}

}  // namespace

std::string samples_header() { return record(identity_names(), {"round", "time_ns", kBegan}); }

std::string samples_lines(const Row& row, const std::vector<Sample>& by_round) {
  const std::vector<std::string> identity = identity_fields(row);
  std::string lines;
  for (std::size_t i = 0; i < by_round.size(); ++i) {
    lines += record(identity, {std::to_string(i + 1), fmt::format("{:.7g}", by_round[i].time_ns),
                               fmt::format("{:.6f}", by_round[i].began_s)});
  }
  return lines;
}

std::string metrics_header() {
  return record(identity_names(), {"metric", "value", "unit", "source"});
}

std::string metrics_lines(const Row& row, const std::vector<Metric>& metrics) {
  const std::vector<std::string> identity = identity_fields(row);
  std::string lines;
  for (const Metric& metric : metrics) {
    const std::string value =
        std::isfinite(metric.value) ? fmt::format("{:.7g}", metric.value) : "";
    lines += record(identity, {metric.name, value, metric.unit, metric.source});
  }
  return lines;
}

std::map<std::string, std::vector<double>> read_samples(const std::string& path) {
  std::map<std::string, std::vector<double>> samples;
  read_long_form(path, samples_header(), [&](const auto& id, const auto& fields, const auto& at) {
    samples[id].push_back(number_from(fields[1], at));
  });
  return samples;
}

std::map<std::string, std::vector<Metric>> read_metrics(const std::string& path) {
  std::map<std::string, std::vector<Metric>> metrics;
  read_long_form(path, metrics_header(), [&](const auto& id, const auto& fields, const auto& at) {
    if (fields[1].empty()) return;  // was not finite
    metrics[id].push_back({fields[0], number_from(fields[1], at), fields[2], fields[3]});
  });
  return metrics;
}

}  // namespace sb
