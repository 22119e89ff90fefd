// The two CSV files beside results.csv that have many lines per row: every raw sample, and the
// numbers that only one operation has. Both repeat the identity columns, so that they join.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/operation.h"
#include "core/row.h"

namespace sb {

std::string samples_header();  // identity columns, round, time_ns, began_s
std::string samples_lines(const Row& row, const std::vector<Sample>& by_round);

std::string metrics_header();  // identity columns, metric, value, unit, source
std::string metrics_lines(const Row& row, const std::vector<Metric>& metrics);

// Back again, by identity_of() the row: time_ns by round. Samples of before 2026-11-29 have no
// began_s. A last line that a killed run left half written is dropped.
// Throw CsvError, with file and line, on anything else that is not of this program's making.
std::map<std::string, std::vector<double>> read_samples(const std::string& path);
std::map<std::string, std::vector<Metric>> read_metrics(const std::string& path);

}  // namespace sb
