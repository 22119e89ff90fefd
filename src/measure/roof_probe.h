// Ceilings run again between the rows that they bound. A share of a ceiling measured an hour ago
// mixes the kernel with the machine's weather since; what takes turns with the kernel shares its
// weather (a neighbour on the same core slows both).
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/operation.h"
#include "core/peaks.h"
#include "core/plan.h"
#include "machine/roof_loop.h"
#include "measure/rounds.h"

namespace sb {

class RoofProbe final : public Contestant {
 public:
  explicit RoofProbe(std::unique_ptr<RoofLoop> loop) : loop_(std::move(loop)) {}
  double sample_ns(std::int64_t iterations) override { return loop_->seconds(iterations) * 1e9; }
  const RoofLoop& loop() const { return *loop_; }

 private:
  std::unique_ptr<RoofLoop> loop_;
};

// The probes of a run: made when first asked for (the team must be pinned), kept for later groups.
class RoofProbes {
 public:
  // That of the ceiling which binds the variant; null where none can be run here.
  RoofProbe* of(const Group& group, const Variant& variant, const Peaks& peaks);

 private:
  std::map<std::string, std::unique_ptr<RoofProbe>> by_id_;
};

// `peaks`, with a ceiling that its probe's faster tenth of samples exceeded raised to that.
Peaks raised_by(const RoofLoop& loop, const std::vector<double>& probe_ns, Peaks peaks);

// How near a kernel that does `work` (bytes or FLOP, as the probe counts) a call comes to its
// probe, round by round: the median in percent with its interval, and the probe's median rate.
std::vector<Metric> probe_metrics(double work, const std::vector<double>& kernel_ns,
                                  const RoofLoop& loop, const std::vector<double>& probe_ns);

}  // namespace sb
