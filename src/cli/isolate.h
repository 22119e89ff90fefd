// `--isolate case`: kernels run in worker processes, so that one that dies or hangs costs its own
// row. A worker measures a whole group, because ratios need turns in the same rounds; when it dies,
// the case in hand gets its row, and the group runs again without it.
#pragma once

#include "cli/selection.h"
#include "measure/session.h"
#include "workload/workload.h"

namespace sb {

// As sb::run(), for the groups of a plan that are not refused. `selection` is what the plan was
// made from, `peaks_path` what options.peaks were loaded from.
RunSummary run_isolated(const std::vector<PlannedGroup>& groups, const RunOptions& options,
                        const Selection& selection, const std::string& peaks_path);

// The worker's side: reads a job from stdin and reports on ChildProcess::kReplies.
int worker_main();
inline constexpr int kWorkerMark = 4;  // file descriptor that a worker inherits

}  // namespace sb
