#include "cli/counted_profile.h"

#include <fmt/format.h>

#include <memory>
#include <optional>
#include <vector>

#include "cli/exit_code.h"
#include "cli/measure_plan.h"
#include "report/long_form.h"
#include "report/whole_file.h"

namespace sb {

bool is_faulty(const std::string& fault, CountedCase& counted) {
  if (fault.empty()) {
    counted.row.status = status::kOk;
    return false;
  }
  counted.row.status = fault.starts_with("incorrect") ? status::kIncorrect : status::kCrashed;
  counted.text = fmt::format("    {}\n", fault);
  return true;
}

int profile_counted(const Plan& plan, const std::string& csv, bool quiet, const CountCase& count) {
  std::vector<Row> rows;
  std::string metrics = metrics_header();
  std::unique_ptr<Gpu> none;  // nothing is timed
  for (const PlannedGroup& planned : plan.groups) {
    const Group& group = planned.group;
    std::optional<PreparedGroup> prepared;
    for (std::size_t i = 0; i < group.variants.size(); ++i) {
      CountedCase counted{
          .row = identity_row(group, *group.variants[i]), .text = {}, .metrics = {}};
      if (const std::string why = why_skipped(planned, *group.variants[i]); why.empty()) {
        if (!prepared) prepared.emplace(group, none);
        count(*prepared, group, i, counted);
      } else {
        counted.row.status = status::kSkipped;
        counted.text = fmt::format("    skipped: {}\n", why);
      }
      if (!quiet) fmt::print("{}\n{}", case_name(group, *group.variants[i]), counted.text);
      metrics += counted.metrics;
      rows.push_back(std::move(counted.row));
    }
  }
  if (!csv.empty()) write_whole_file(csv, metrics);
  return exit_code_of(rows);
}

}  // namespace sb
