// NVTX ranges: what Nsight Systems, ncu and their like show beside kernels. Free when no tool is
// attached: a range is then a test of one pointer, and phases are not listened to.
#pragma once

#include <string>

#include "core/phase.h"

namespace sb {

// False as well in a build without the NVTX headers.
bool nvtx_attached();

class NvtxRange {
 public:
  explicit NvtxRange(const std::string& name);  // on this thread, until the end of the scope
  ~NvtxRange();
  NvtxRange(const NvtxRange&) = delete;
  NvtxRange& operator=(const NvtxRange&) = delete;

 private:
  bool pushed_;
};

// Makes a range of every phase while it lives, if a tool is attached.
class NvtxPhases final : public PhaseSink {
 public:
  NvtxPhases();
  ~NvtxPhases() override;
  NvtxPhases(const NvtxPhases&) = delete;
  NvtxPhases& operator=(const NvtxPhases&) = delete;

  void begin(const char* name, Traffic traffic) override;
  void end() override;
};

}  // namespace sb
