#include "report/long_form.h"

#include <fmt/format.h>

#include <cmath>

#include "report/csv_text.h"

namespace sb {
namespace {

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

}  // namespace

std::string samples_header() { return record(identity_names(), {"round", "time_ns"}); }

std::string samples_lines(const Row& row, const std::vector<double>& time_ns_by_round) {
  const std::vector<std::string> identity = identity_fields(row);
  std::string lines;
  for (std::size_t round = 0; round < time_ns_by_round.size(); ++round) {
    lines += record(identity,
                    {std::to_string(round + 1), fmt::format("{:.7g}", time_ns_by_round[round])});
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

}  // namespace sb
