// A tool as NVTX sees one: writes "push NAME" and "pop" to the file $SB_NVTX_LOG.
#include <nvtx3/nvToolsExt.h>

#include <cstdio>
#include <cstdlib>

namespace {

std::FILE* log_file = nullptr;

void note(const char* what, const char* name) {
  std::fprintf(log_file, "%s%s\n", what, name);
  std::fflush(log_file);
}

nvtxDomainHandle_t NVTX_API create_domain(const char* name) {
  note("domain ", name);
  return reinterpret_cast<nvtxDomainHandle_t>(&log_file);  // anything but null
}

int NVTX_API push(nvtxDomainHandle_t, const nvtxEventAttributes_t* event) {
  note("push ", event->message.ascii);
  return 0;
}

int NVTX_API pop(nvtxDomainHandle_t) {
  note("pop", "");
  return 0;
}

}  // namespace

extern "C" int InitializeInjectionNvtx2(NvtxGetExportTableFunc_t export_table) {
  const auto* callbacks =
      static_cast<const NvtxExportTableCallbacks*>(export_table(NVTX_ETID_CALLBACKS));
  NvtxFunctionTable table = nullptr;
  unsigned int size = 0;
  const char* path = std::getenv("SB_NVTX_LOG");
  if (path == nullptr || (log_file = std::fopen(path, "a")) == nullptr) return 0;
  if (!callbacks->GetModuleFunctionTable(NVTX_CB_MODULE_CORE2, &table, &size)) return 0;
  *table[NVTX_CBID_CORE2_DomainCreateA] = reinterpret_cast<NvtxFunctionPointer>(create_domain);
  *table[NVTX_CBID_CORE2_DomainRangePushEx] = reinterpret_cast<NvtxFunctionPointer>(push);
  *table[NVTX_CBID_CORE2_DomainRangePop] = reinterpret_cast<NvtxFunctionPointer>(pop);
  return 1;
}
