#include "machine/gpu_peaks.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <sstream>

namespace sb {
namespace {

struct Effort {
  int samples;
  double sample_ns;
};
constexpr Effort kQuick = {7, 2e6};
constexpr Effort kThorough = {25, 2e7};
constexpr std::int64_t kMostLaunches = 1 << 16;

Stamps take(Gpu& gpu, const GpuLoad& load, std::int64_t launches) {
  gpu.start();
  for (std::int64_t i = 0; i < launches; ++i) load.enqueue();
  gpu.stop();
  return gpu.wait();
}

Roof measure(Gpu& gpu, const GpuLoad& load, const Effort& effort, const ThrottleRule& rule) {
  std::int64_t launches = 1;
  take(gpu, load, launches);  // the first one loads code
  while (take(gpu, load, launches).ns < effort.sample_ns && launches < kMostLaunches) launches *= 2;
  std::vector<double> rates;
  int rejected = 0;
  for (int i = 0; i < effort.samples; ++i) {
    const Stamps stamps = take_unthrottled([&] { return take(gpu, load, launches); },
                                           gpu.info().clock_mhz, rule, rejected);
    rates.push_back(load.amount * static_cast<double>(launches) / stamps.ns * 1e9);
  }
  std::sort(rates.begin(), rates.end());
  const auto last = static_cast<double>(rates.size() - 1);
  Roof roof = load.roof;
  roof.lo = rates[static_cast<std::size_t>(std::lround(0.1 * last))];
  roof.hi = rates[static_cast<std::size_t>(std::lround(0.9 * last))];
  roof.value = roof.hi;  // as on the CPU: a ceiling is what can be reached
  return roof;
}

bool covers(const Roof& roof, const Roof& declared) {
  if (roof.device != "cuda" || roof.is_flops != declared.is_flops) return false;
  return declared.is_flops ? roof.kind == declared.kind && roof.dtype == declared.dtype
                           : roof.level == declared.level;
}

}  // namespace

std::vector<Roof> measure_gpu_roofs(Gpu& gpu, const std::vector<GpuLoad>& loads, bool quick,
                                    const ThrottleRule& rule) {
  std::vector<Roof> roofs;
  for (const GpuLoad& load : loads) {
    roofs.push_back(measure(gpu, load, quick ? kQuick : kThorough, rule));
  }
  return roofs;
}

bool names_gpu(const std::string& word, const std::string& gpu) {
  std::string name = gpu;
  for (char& c : name) {
    const auto byte = static_cast<unsigned char>(c);
    c = std::isalnum(byte) != 0 ? static_cast<char>(std::tolower(byte)) : ' ';
  }
  std::istringstream words(name);
  for (std::string one; words >> one;) {
    if (one == word) return true;
  }
  return false;
}

void add_declared(const Peaks& declared, Peaks& peaks) {
  const std::size_t measured = peaks.roofs.size();
  for (Roof roof : declared.roofs) {
    const auto covered = [&](const Roof& other) { return covers(other, roof); };
    if (std::any_of(peaks.roofs.begin(),
                    peaks.roofs.begin() + static_cast<std::ptrdiff_t>(measured), covered)) {
      continue;
    }
    roof.device = "cuda";
    roof.id = "gpu/" + roof.id;
    peaks.roofs.push_back(std::move(roof));
  }
}

}  // namespace sb
