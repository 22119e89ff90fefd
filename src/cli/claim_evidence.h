// Measured rows with their samples and metrics, as claims are judged by them.
#pragma once

#include <string>
#include <vector>

#include "report/claims.h"

namespace sb {

// Reads results.csv files and, where they lie beside them, samples.csv (paired ratios) and
// metrics.csv. Throws CsvError with file and line; so it does when two rows are the same case.
ClaimEvidence load_evidence(const std::vector<std::string>& files);

// The machines of the rows, joined by "; ".
std::string hosts_of(const std::vector<Row>& rows);

}  // namespace sb
