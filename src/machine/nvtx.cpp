#include "machine/nvtx.h"

#ifdef SB_HAVE_NVTX
#include <nvtx3/nvToolsExt.h>
#endif

namespace sb {
namespace {

#ifdef SB_HAVE_NVTX
// Null unless a tool took the call.
nvtxDomainHandle_t domain() {
  static const nvtxDomainHandle_t handle = nvtxDomainCreateA("softmax-bench");
  return handle;
}

void push(const char* name) {
  nvtxEventAttributes_t attributes{};
  attributes.version = NVTX_VERSION;
  attributes.size = NVTX_EVENT_ATTRIB_STRUCT_SIZE;
  attributes.messageType = NVTX_MESSAGE_TYPE_ASCII;
  attributes.message.ascii = name;
  nvtxDomainRangePushEx(domain(), &attributes);
}

void pop() { nvtxDomainRangePop(domain()); }
#else
const void* domain() { return nullptr; }
void push(const char*) {}
void pop() {}
#endif

}  // namespace

bool nvtx_attached() { return domain() != nullptr; }

NvtxRange::NvtxRange(const std::string& name) : pushed_(nvtx_attached()) {
  if (pushed_) push(name.c_str());
}

NvtxRange::~NvtxRange() {
  if (pushed_) pop();
}

NvtxPhases::NvtxPhases() {
  if (nvtx_attached()) phase_sink = this;
}

NvtxPhases::~NvtxPhases() {
  if (phase_listener() == this) phase_sink = nullptr;
}

void NvtxPhases::begin(const char* name, Traffic) { push(name); }

void NvtxPhases::end() { pop(); }

}  // namespace sb
