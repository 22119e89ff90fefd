// A run of the fake families, and its rows.
#pragma once

#include <chrono>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "program.h"
#include "report/csv.h"

namespace sb {

inline std::string workload(const std::string& variants, const std::string& more = "") {
  return "name: w\nop: twice\nsweep: {n: [4, 8]}\nvariants: [" + variants +
         "]\nrounds: 6\nmin_time: 0.0001\n" + more;
}

inline std::vector<Row> rows_of(const Workspace& space, const std::string& csv) {
  return read_csv(space.path(csv)).rows;
}

inline std::set<std::string> identities(const std::vector<Row>& rows) {
  std::set<std::string> all;
  for (const Row& row : rows) all.insert(identity_of(row));
  return all;
}

// Within 30 seconds.
template <typename Condition>
bool eventually(const Condition& condition) {
  for (int i = 0; i < 3000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

}  // namespace sb
