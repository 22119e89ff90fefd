#include "report/column_docs.h"

#include <fmt/format.h>

#include "core/row.h"

namespace sb {
namespace {

constexpr const char* kIntroduction =
    R"(<!-- Generated: softmax-bench list columns --markdown > results/README.md -->
# Results

`runs/` holds what `softmax-bench run` wrote here (not committed); `baselines/<machine>/*.csv` holds
committed runs that others compare with. A run is a folder:

| file | holds |
|---|---|
| `results.csv` | one row per case: the table below |
| `samples.csv` | every timed sample of every row: the identity columns, `round`, `time_ns`, `began_s` (seconds since 1970) |
| `metrics.csv` | what only one operation has (ULP, kept tiles, fallback rate): the identity columns, `metric`, `value`, `unit`, `source` |
| `env.json` | machine, compiler, libraries, settings: `softmax-bench env` |
| `run.json` | the workloads and options, for `run --resume` |

## results.csv

RFC 4180 (lines end in CRLF, fields are quoted where they must be), UTF-8, decimal SI units. The header is
always the same. An empty field means "not measured"; it is never written as 0 or NaN. Readers take LF as
well, and refuse a file of another `schema_version` (this is version {}).

| column | group | unit | meaning |
|---|---|---|---|
)";

constexpr const char* kStatuses = R"(
## Words of `status`

| status | means | time? |
|---|---|---|
| `ok` | verified and measured | yes |
| `noisy` | verified and measured, but the interval did not get as narrow as asked for; `reason` says how wide | yes |
| `implausible` | faster than 103 % of its measured roof: can be neither a baseline nor evidence | yes |
| `skipped` | cannot run here or is not defined for this problem; `reason` says why | no |
| `incorrect` | wrong answer, by the error columns | no |
| `crashed` | the kernel threw, or (with `--isolate case`) died; `reason` names the signal | no |
| `timeout` | took longer than `--timeout` for the case | no |
)";

}  // namespace

std::string columns_markdown() {
  std::string text = fmt::format(fmt::runtime(kIntroduction), kSchemaVersion);
  for (const Column& column : columns()) {
    text += fmt::format("| `{}` | {} | {} | {} |\n", column.name, column.group, column.unit,
                        column.doc);
  }
  return text + kStatuses;
}

}  // namespace sb
