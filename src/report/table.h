// Rows as a table for a terminal.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/operation.h"
#include "core/row.h"

namespace sb {

// What operations and kernels report besides, by identity_of() the row.
using MetricsByRow = std::map<std::string, std::vector<Metric>>;

// A block per problem (sorted by its numbers, in the workloads' order), its rows by time, a column
// for each metric; what could not run is summed up by reason at the end.
std::string results_table(const std::vector<Row>& rows, const MetricsByRow& metrics = {});

// The same for `verify`: error and tolerance instead of time.
std::string verification_table(const std::vector<Row>& rows);

// "1.24 us", "83.1 ms": four figures at most.
std::string human_time(double ns);

// Compares runs of digits by value, so that cols=512 comes before cols=1024.
bool natural_less(std::string_view a, std::string_view b);

}  // namespace sb
