// Words and numbers of a workload, wherever they come from (a file or the command line): each
// function gives the value, or a sentence that says what is wrong and what would be right.
#pragma once

#include <fmt/format.h>

#include <string>
#include <vector>

#include "core/plan.h"
#include "core/variant.h"

namespace sb {

// `; did you mean "x"?`, or the list of what is known when nothing is near.
std::string suggestion(std::string_view word, const std::vector<std::string>& known);

std::string read_integer(const std::string& text, std::int64_t min, std::int64_t max,
                         std::int64_t& value);
std::string read_seconds(const std::string& text, double max, double& value);
std::string read_factor(const std::string& text, double& value);
std::string read_dtype(const std::string& text, const Operation& op, Dtype& dtype);
std::string read_cache(const std::string& text, CacheState& cache);
std::string read_threads(const std::string& text, int& threads);  // kAllThreads for `all`
std::string read_fill(const std::string& text, const Operation& op, Fill& fill);
std::string check_param(const Operation& op, const std::string& name, const std::string& value);
std::string check_param_name(const Operation& op, const std::string& name);

// Does the glob match a variant of the operation? If not, what would?
std::string check_glob(const std::string& glob, const Operation& op);
// Is it best_other or a variant that the globs select?
std::string check_baseline(const std::string& baseline, const Operation& op,
                           const std::vector<std::string>& globs);

// from, to and factor or step, as a range of a sweep says them.
struct Range {
  std::int64_t from = 0;
  std::int64_t to = 0;
  double factor = 0;  // 0: not given
  std::int64_t step = 0;
};
inline constexpr std::size_t kMostValues = 10000;  // of one axis
std::string expand(const Range& range, std::vector<std::string>& values);

}  // namespace sb
