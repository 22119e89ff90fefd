#include "machine/gpu_counters.h"

#if defined(SB_HAVE_CUPTI)
#include <cuda.h>
#include <cupti_profiler_host.h>
#include <cupti_profiler_target.h>
#include <cupti_range_profiler.h>
#include <cupti_target.h>
#include <dlfcn.h>

#include <cstdint>
#include <stdexcept>
#include <vector>

namespace sb {
namespace {

constexpr std::size_t kMostKernels = 1000;  // of one call; CUPTI takes some 2000 ranges

// CUPTI's name of a metric, ours, its unit. Names as of compute capability 8.0 and 9.0.
struct GpuMetric {
  const char *cupti, *name, *unit;
};
constexpr GpuMetric kMetrics[] = {
    {"dram__bytes_read.sum", counter::kDramBytesRead, "B"},
    {"dram__bytes_write.sum", counter::kDramBytesWritten, "B"},
    {"lts__t_sectors.sum", counter::kL2Sectors, ""},
    {"sm__inst_executed_pipe_tensor.sum", counter::kTensorInstructions, ""}};

std::string sentence_about(CUptiResult result, const char* function) {
  if (result == CUPTI_ERROR_INSUFFICIENT_PRIVILEGES ||
      result == CUPTI_ERROR_VIRTUALIZED_DEVICE_INSUFFICIENT_PRIVILEGES) {
    return "the driver lets only an administrator count (ERR_NVGPUCTRPERM); run as root, or load "
           "the module nvidia with NVreg_RestrictProfilingToAdminUsers=0";
  }
  return std::string(function) + " failed with CUPTI's error " + std::to_string(result);
}

class Library {
 public:
  explicit Library(std::string path)
      : path_(std::move(path)), handle_(dlopen(path_.c_str(), RTLD_NOW | RTLD_LOCAL)) {
    if (handle_ == nullptr) throw std::runtime_error(path_ + " is not installed");
  }
  ~Library() { dlclose(handle_); }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  template <typename Function>
  Function* get(const char* name) const {
    void* const symbol = dlsym(handle_, name);
    if (symbol == nullptr) throw std::runtime_error(path_ + " has no " + name);
    return reinterpret_cast<Function*>(symbol);
  }

 private:
  std::string path_;
  void* handle_;
};

// All of CUPTI that is used here takes one structure.
template <typename Function, typename Parameters>
void demand(const Library& cupti, const char* name, Parameters& parameters) {
  const CUptiResult result = cupti.get<Function>(name)(&parameters);
  if (result != CUPTI_SUCCESS) throw std::runtime_error(sentence_about(result, name));
}
#define SB_CUPTI(function, parameters) demand<decltype(function)>(cupti_, #function, parameters)

CUcontext current_context(const Library& driver) {
  CUcontext context = nullptr;
  if (driver.get<decltype(cuCtxGetCurrent)>("cuCtxGetCurrent")(&context) != CUDA_SUCCESS ||
      context == nullptr) {
    throw std::runtime_error("no kernel has run on a GPU");
  }
  return context;
}

class CuptiCounters final : public CounterSource {
 public:
  explicit CuptiCounters(const GpuCounterLibraries& libraries)
      : cupti_(libraries.cupti), context_(current_context(Library(libraries.driver))) {
    CUpti_Profiler_Initialize_Params initialize = {CUpti_Profiler_Initialize_Params_STRUCT_SIZE};
    SB_CUPTI(cuptiProfilerInitialize, initialize);
    try {
      open_host();
      choose_metrics();
      enable();
    } catch (...) {
      close();
      throw;
    }
  }
  ~CuptiCounters() override { close(); }

  void start() override {
    prepare_image();
    CUpti_RangeProfiler_SetConfig_Params config = {
        CUpti_RangeProfiler_SetConfig_Params_STRUCT_SIZE};
    config.pRangeProfilerObject = profiler_;
    config.pConfig = config_.data();
    config.configSize = config_.size();
    config.pCounterDataImage = image_.data();
    config.counterDataImageSize = image_.size();
    config.range = CUPTI_AutoRange;  // a kernel each
    config.replayMode = CUPTI_KernelReplay;
    config.maxRangesPerPass = kMostKernels;
    config.numNestingLevels = config.minNestingLevel = 1;
    SB_CUPTI(cuptiRangeProfilerSetConfig, config);
    CUpti_RangeProfiler_Start_Params begin = {CUpti_RangeProfiler_Start_Params_STRUCT_SIZE};
    begin.pRangeProfilerObject = profiler_;
    SB_CUPTI(cuptiRangeProfilerStart, begin);
  }

  std::vector<CounterValue> stop() override {
    CUpti_RangeProfiler_Stop_Params end = {CUpti_RangeProfiler_Stop_Params_STRUCT_SIZE};
    end.pRangeProfilerObject = profiler_;
    SB_CUPTI(cuptiRangeProfilerStop, end);
    CUpti_RangeProfiler_DecodeData_Params decode = {
        CUpti_RangeProfiler_DecodeData_Params_STRUCT_SIZE};
    decode.pRangeProfilerObject = profiler_;
    SB_CUPTI(cuptiRangeProfilerDecodeData, decode);
    if (decode.numOfRangeDropped > 0) throw std::runtime_error("a call of too many kernels");
    return sums_over_kernels();
  }

 private:
  void open_host() {
    CUpti_Device_GetChipName_Params chip = {CUpti_Device_GetChipName_Params_STRUCT_SIZE};
    SB_CUPTI(cuptiDeviceGetChipName, chip);  // of device 0, which CUDA would choose
    CUpti_Profiler_Host_Initialize_Params host = {
        CUpti_Profiler_Host_Initialize_Params_STRUCT_SIZE};
    host.profilerType = CUPTI_PROFILER_TYPE_RANGE_PROFILER;
    host.pChipName = chip.pChipName;
    SB_CUPTI(cuptiProfilerHostInitialize, host);
    host_ = host.pHostObject;
  }

  // One by one: which of them a chip has is its own affair.
  void choose_metrics() {
    const auto add = cupti_.get<decltype(cuptiProfilerHostConfigAddMetrics)>(
        "cuptiProfilerHostConfigAddMetrics");
    for (const GpuMetric& metric : kMetrics) {
      CUpti_Profiler_Host_ConfigAddMetrics_Params one = {
          CUpti_Profiler_Host_ConfigAddMetrics_Params_STRUCT_SIZE};
      const char* name = metric.cupti;
      one.pHostObject = host_;
      one.ppMetricNames = &name;
      one.numMetrics = 1;
      if (add(&one) != CUPTI_SUCCESS) continue;
      chosen_.push_back(&metric);
      names_.push_back(metric.cupti);
    }
    if (chosen_.empty()) throw std::runtime_error("CUPTI knows none of the counters on this chip");
    CUpti_Profiler_Host_GetConfigImageSize_Params size = {
        CUpti_Profiler_Host_GetConfigImageSize_Params_STRUCT_SIZE};
    size.pHostObject = host_;
    SB_CUPTI(cuptiProfilerHostGetConfigImageSize, size);
    config_.resize(size.configImageSize);
    CUpti_Profiler_Host_GetConfigImage_Params image = {
        CUpti_Profiler_Host_GetConfigImage_Params_STRUCT_SIZE};
    image.pHostObject = host_;
    image.pConfigImage = config_.data();
    image.configImageSize = config_.size();
    SB_CUPTI(cuptiProfilerHostGetConfigImage, image);
  }

  void enable() {
    CUpti_RangeProfiler_Enable_Params enable = {CUpti_RangeProfiler_Enable_Params_STRUCT_SIZE};
    enable.ctx = context_;
    SB_CUPTI(cuptiRangeProfilerEnable, enable);
    profiler_ = enable.pRangeProfilerObject;
  }

  void prepare_image() {
    CUpti_RangeProfiler_GetCounterDataSize_Params size = {
        CUpti_RangeProfiler_GetCounterDataSize_Params_STRUCT_SIZE};
    size.pRangeProfilerObject = profiler_;
    size.pMetricNames = names_.data();
    size.numMetrics = names_.size();
    size.maxNumOfRanges = kMostKernels;
    size.maxNumRangeTreeNodes = kMostKernels;
    SB_CUPTI(cuptiRangeProfilerGetCounterDataSize, size);
    image_.assign(size.counterDataSize, 0);
    CUpti_RangeProfiler_CounterDataImage_Initialize_Params empty = {
        CUpti_RangeProfiler_CounterDataImage_Initialize_Params_STRUCT_SIZE};
    empty.pRangeProfilerObject = profiler_;
    empty.pCounterData = image_.data();
    empty.counterDataSize = image_.size();
    SB_CUPTI(cuptiRangeProfilerCounterDataImageInitialize, empty);
  }

  std::vector<CounterValue> sums_over_kernels() {
    CUpti_RangeProfiler_GetCounterDataInfo_Params info = {
        CUpti_RangeProfiler_GetCounterDataInfo_Params_STRUCT_SIZE};
    info.pCounterDataImage = image_.data();
    info.counterDataImageSize = image_.size();
    SB_CUPTI(cuptiRangeProfilerGetCounterDataInfo, info);
    if (info.numTotalRanges == 0) throw std::runtime_error("CUPTI saw no kernel");
    std::vector<CounterValue> sums;
    for (const GpuMetric* metric : chosen_) sums.push_back({metric->name, 0, metric->unit});
    for (std::size_t kernel = 0; kernel < info.numTotalRanges; ++kernel) {
      std::vector<double> values(names_.size());
      CUpti_Profiler_Host_EvaluateToGpuValues_Params evaluate = {
          CUpti_Profiler_Host_EvaluateToGpuValues_Params_STRUCT_SIZE};
      evaluate.pHostObject = host_;
      evaluate.pCounterDataImage = image_.data();
      evaluate.counterDataImageSize = image_.size();
      evaluate.rangeIndex = kernel;
      evaluate.ppMetricNames = names_.data();
      evaluate.numMetrics = names_.size();
      evaluate.pMetricValues = values.data();
      SB_CUPTI(cuptiProfilerHostEvaluateToGpuValues, evaluate);
      for (std::size_t i = 0; i < sums.size(); ++i) sums[i].value += values[i];
    }
    return sums;
  }

  void close() noexcept {
    try {
      if (profiler_ != nullptr) {
        CUpti_RangeProfiler_Disable_Params disable = {
            CUpti_RangeProfiler_Disable_Params_STRUCT_SIZE};
        disable.pRangeProfilerObject = profiler_;
        SB_CUPTI(cuptiRangeProfilerDisable, disable);
      }
      if (host_ != nullptr) {
        CUpti_Profiler_Host_Deinitialize_Params end = {
            CUpti_Profiler_Host_Deinitialize_Params_STRUCT_SIZE};
        end.pHostObject = host_;
        SB_CUPTI(cuptiProfilerHostDeinitialize, end);
      }
    } catch (const std::exception&) {  // nothing is counted any more, either way
    }
  }

  Library cupti_;
  CUcontext context_;
  CUpti_Profiler_Host_Object* host_ = nullptr;
  CUpti_RangeProfiler_Object* profiler_ = nullptr;
  std::vector<const GpuMetric*> chosen_;
  std::vector<const char*> names_;  // of the chosen ones, CUPTI's
  std::vector<std::uint8_t> config_, image_;
};

}  // namespace

std::unique_ptr<CounterSource> open_gpu_counters(std::string& why,
                                                 const GpuCounterLibraries& asked) {
  GpuCounterLibraries libraries = asked;
  if (libraries.cupti.empty()) {
    libraries.cupti = "libcupti.so." + std::to_string(CUDA_VERSION / 1000);
  }
  if (libraries.driver.empty()) libraries.driver = "libcuda.so.1";
  try {
    return std::make_unique<CuptiCounters>(libraries);
  } catch (const std::runtime_error& error) {
    why = error.what();
    return nullptr;
  }
}

}  // namespace sb

#else
namespace sb {

std::unique_ptr<CounterSource> open_gpu_counters(std::string& why, const GpuCounterLibraries&) {
  why = "this program was built without the headers of CUPTI (CUDA 12.6 or later)";
  return nullptr;
}

}  // namespace sb
#endif
