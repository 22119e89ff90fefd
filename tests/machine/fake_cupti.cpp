// A CUPTI and a driver that are made up: the entry points that src/machine/gpu_counters.cpp calls.
// They write down their names, demand what the ones before gave out, and answer with figures of two
// kernels.
#include <cuda.h>
#include <cupti_profiler_host.h>
#include <cupti_profiler_target.h>
#include <cupti_range_profiler.h>
#include <cupti_target.h>

#include <algorithm>
#include <cstring>
#include <string>

namespace {

std::string calls, failing;
CUptiResult failure = CUPTI_SUCCESS;
char context, host, profiler;  // what handles point to
constexpr std::size_t kConfigBytes = 24, kImageBytes = 40;
constexpr std::uint8_t kConfig = 0xc0, kEmptyImage = 0xe0, kDecoded = 0xd0;
const std::uint8_t* image = nullptr;  // that the configuration names
std::size_t metrics = 0;

CUptiResult called(const char* name, bool as_expected = true) {
  calls += calls.empty() ? name : std::string(" ") + name;
  if (failing == name) return failure;
  return as_expected ? CUPTI_SUCCESS : CUPTI_ERROR_INVALID_PARAMETER;
}

template <typename Handle>
bool is(const Handle* handle, const char& expected) {
  return reinterpret_cast<const char*>(handle) == &expected;
}

}  // namespace

extern "C" {

const char* fake_cupti_calls() { return calls.c_str(); }
void fake_cupti_forget(const char* failing_function, int with) {
  calls.clear();
  failing = failing_function;
  failure = static_cast<CUptiResult>(with);
}

CUresult cuCtxGetCurrent(CUcontext* current) {
  *current = failing == "cuCtxGetCurrent" ? nullptr : reinterpret_cast<CUcontext>(&context);
  return CUDA_SUCCESS;
}

CUptiResult cuptiProfilerInitialize(CUpti_Profiler_Initialize_Params*) {
  return called("initialize");
}
CUptiResult cuptiDeviceGetChipName(CUpti_Device_GetChipName_Params* p) {
  p->pChipName = "FAKE100";
  return called("chip");
}
CUptiResult cuptiProfilerHostInitialize(CUpti_Profiler_Host_Initialize_Params* p) {
  p->pHostObject = reinterpret_cast<CUpti_Profiler_Host_Object*>(&host);
  metrics = 0;
  return called("host", std::strcmp(p->pChipName, "FAKE100") == 0 &&
                            p->profilerType == CUPTI_PROFILER_TYPE_RANGE_PROFILER);
}
// A chip without tensor cores.
CUptiResult cuptiProfilerHostConfigAddMetrics(CUpti_Profiler_Host_ConfigAddMetrics_Params* p) {
  if (std::strstr(p->ppMetricNames[0], "tensor") != nullptr) {
    return CUPTI_ERROR_INVALID_METRIC_NAME;
  }
  ++metrics;
  return called("metric", is(p->pHostObject, host) && p->numMetrics == 1);
}
CUptiResult cuptiProfilerHostGetConfigImageSize(CUpti_Profiler_Host_GetConfigImageSize_Params* p) {
  p->configImageSize = kConfigBytes;
  return called("config-size", is(p->pHostObject, host));
}
CUptiResult cuptiProfilerHostGetConfigImage(CUpti_Profiler_Host_GetConfigImage_Params* p) {
  std::fill_n(p->pConfigImage, p->configImageSize, kConfig);
  return called("config", p->configImageSize == kConfigBytes);
}
CUptiResult cuptiRangeProfilerEnable(CUpti_RangeProfiler_Enable_Params* p) {
  p->pRangeProfilerObject = reinterpret_cast<CUpti_RangeProfiler_Object*>(&profiler);
  return called("enable", is(p->ctx, context));
}
CUptiResult cuptiRangeProfilerGetCounterDataSize(CUpti_RangeProfiler_GetCounterDataSize_Params* p) {
  p->counterDataSize = kImageBytes;
  return called("image-size", is(p->pRangeProfilerObject, profiler) && p->numMetrics == metrics &&
                                  p->maxNumRangeTreeNodes >= p->maxNumOfRanges);
}
CUptiResult cuptiRangeProfilerCounterDataImageInitialize(
    CUpti_RangeProfiler_CounterDataImage_Initialize_Params* p) {
  std::fill_n(p->pCounterData, p->counterDataSize, kEmptyImage);
  return called("image", p->counterDataSize == kImageBytes);
}
CUptiResult cuptiRangeProfilerSetConfig(CUpti_RangeProfiler_SetConfig_Params* p) {
  image = p->pCounterDataImage;
  return called("configure", p->configSize == kConfigBytes && p->pConfig[0] == kConfig &&
                                 image[0] == kEmptyImage && p->range == CUPTI_AutoRange &&
                                 p->replayMode == CUPTI_KernelReplay && p->numNestingLevels == 1);
}
CUptiResult cuptiRangeProfilerStart(CUpti_RangeProfiler_Start_Params* p) {
  return called("start", is(p->pRangeProfilerObject, profiler));
}
CUptiResult cuptiRangeProfilerStop(CUpti_RangeProfiler_Stop_Params* p) {
  return called("stop", is(p->pRangeProfilerObject, profiler));
}
CUptiResult cuptiRangeProfilerDecodeData(CUpti_RangeProfiler_DecodeData_Params* p) {
  const_cast<std::uint8_t*>(image)[0] = kDecoded;
  p->numOfRangeDropped = failing == "dropped" ? 1 : 0;
  return called("decode", is(p->pRangeProfilerObject, profiler));
}
CUptiResult cuptiRangeProfilerGetCounterDataInfo(CUpti_RangeProfiler_GetCounterDataInfo_Params* p) {
  p->numTotalRanges = failing == "nothing" ? 0 : 2;
  return called("ranges", p->pCounterDataImage[0] == kDecoded);
}
CUptiResult cuptiProfilerHostEvaluateToGpuValues(
    CUpti_Profiler_Host_EvaluateToGpuValues_Params* p) {
  for (std::size_t i = 0; i < p->numMetrics; ++i) {
    const bool read = std::strstr(p->ppMetricNames[i], "read") != nullptr;
    p->pMetricValues[i] = (read ? 1000 : 64) + static_cast<double>(p->rangeIndex);
  }
  return called("evaluate", p->numMetrics == metrics && p->pCounterDataImage[0] == kDecoded);
}
CUptiResult cuptiRangeProfilerDisable(CUpti_RangeProfiler_Disable_Params* p) {
  return called("disable", is(p->pRangeProfilerObject, profiler));
}
CUptiResult cuptiProfilerHostDeinitialize(CUpti_Profiler_Host_Deinitialize_Params* p) {
  return called("end", is(p->pHostObject, host));
}

}  // extern "C"
