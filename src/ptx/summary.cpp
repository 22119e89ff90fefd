#include "ptx/summary.h"

#include <cxxabi.h>

#include <algorithm>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>

#include "ptx/program.h"

namespace sb::ptx {
namespace {

constexpr double kFlopOfMma = 2.0 * 16 * 8 * 16;  // m16n8k16, by one warp
constexpr double kLanes = 32;

// 2 039 and 3 350 GB/s, 312 and 989 TFLOP/s: at 1.41 GHz on 108 multiprocessors these are 2 048
// FLOP a clock, at 1.83 GHz on 132 they are 4 096, which wgmma reaches and mma.sync may not.
constexpr DeviceModel kModels[] = {
    {"A100 SXM 80 GB", 80, 108, 1.41, 2039, 2048, 64},
    {"H100 SXM", 90, 132, 1.83, 3350, 4096, 128},
};

struct Named {
  const char* name;
  double cycles;
};
std::vector<Named> units(const Bound& b) {
  return {{"tensor cores", b.tensor},
          {"shared memory", b.shared},
          {"special functions", b.special},
          {"32-bit arithmetic", b.fma},
          {"memory", b.memory}};
}

bool is_special(const std::string& opcode) {
  for (const char* name : {"ex2", "lg2", "rcp", "rsqrt", "sqrt", "sin", "cos"}) {
    if (opcode.starts_with(std::string(name) + ".")) return true;
  }
  return false;
}
bool is_arithmetic(const std::string& opcode) {
  for (const char* name : {"add", "sub", "mul", "fma", "mad"}) {
    if (opcode.starts_with(std::string(name) + ".") && opcode.ends_with("f32")) return true;
  }
  return false;
}

Bound bound_of(const KernelCounts& counts, const DeviceModel& model, double bytes) {
  double special = 0, arithmetic = 0;
  for (const InstructionCounts& i : counts.instructions) {
    if (is_special(i.opcode)) special += static_cast<double>(i.executed);
    if (is_arithmetic(i.opcode)) arithmetic += static_cast<double>(i.executed);
  }
  const double all = model.multiprocessors;
  return {
      .tensor = static_cast<double>(counts.executed("mma.")) * kFlopOfMma / model.tensor_flop / all,
      .shared = static_cast<double>(counts.total().wavefronts) / all,
      .special = special * kLanes / DeviceModel::kSpecialLanes / all,
      .fma = arithmetic * kLanes / model.fma_lanes / all,
      .memory = bytes / model.memory_gb_per_s * model.clock_ghz};
}

MachineCode machine_code_of(const std::string& kernel, int arch) {
  for (const std::string_view cubin : cubins(arch)) {
    const auto all = machine_code(cubin, arch);
    if (const auto known = all.find(kernel); known != all.end()) return known->second;
  }
  throw std::runtime_error("no machine code for " + kernel);
}

__attribute__((format(printf, 2, 3))) void print(std::string& to, const char* format, ...) {
  char line[512];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  to += line;
}

unsigned long long whole(std::uint64_t n) { return n; }

void print_instructions(std::string& to, const KernelCounts& counts) {
  for (const InstructionCounts& i : counts.instructions) {
    if (i.wavefronts > i.ideal_wavefronts) {
      print(to, "      bank conflicts: %llu wavefronts for %llu  %.160s\n", whole(i.wavefronts),
            whole(i.ideal_wavefronts), i.site.c_str());
    }
    if (i.sectors > i.ideal_sectors) {
      print(to, "      half-used sectors: %llu for %llu  %.160s\n", whole(i.sectors),
            whole(i.ideal_sectors), i.site.c_str());
    }
  }
}

// "fma 812, mov 400, ...": the most frequent ones, of all warps.
std::string mix_of(const KernelCounts& counts) {
  std::map<std::string, std::uint64_t> by_name;
  for (const InstructionCounts& i : counts.instructions) {
    by_name[i.opcode.substr(0, i.opcode.find('.'))] += i.executed;
  }
  std::vector<std::pair<std::uint64_t, std::string>> sorted;
  for (const auto& [name, count] : by_name) sorted.emplace_back(count, name);
  std::sort(sorted.rbegin(), sorted.rend());
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(sorted.size(), 10); ++i) {
    text += (i == 0 ? "" : ", ") + sorted[i].second + " " + std::to_string(sorted[i].first);
  }
  return text;
}

}  // namespace

const DeviceModel& model_of(int arch) {
  for (const DeviceModel& model : kModels) {
    if (model.arch == arch) return model;
  }
  throw std::invalid_argument("no declared device of sm_" + std::to_string(arch));
}

double Bound::cycles() const { return std::max({tensor, shared, special, fma, memory}); }
std::string Bound::limit() const {
  const auto all = units(*this);
  return std::max_element(all.begin(), all.end(),
                          [](const Named& a, const Named& b) { return a.cycles < b.cycles; })
      ->name;
}
double Bound::tensor_share() const { return cycles() > 0 ? tensor / cycles() : 0; }

std::string demangled(const std::string& name) {
  int status = 0;
  char* text = abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status);
  std::string result = status == 0 ? text : name;
  std::free(text);
  const auto space = result.find("(anonymous namespace)::");
  if (space != std::string::npos) result = result.substr(space + 23);
  return result.substr(
      0, result.find(">(") == std::string::npos ? result.find('(') : result.find(">(") + 1);
}

std::vector<KernelSummary> summarise(const Recorder& recorder, int arch, double compulsory_bytes) {
  std::vector<KernelSummary> all;
  for (const auto& [name, counts] : recorder.kernels()) {
    KernelSummary summary{.name = demangled(name),
                          .arch = arch,
                          .counts = counts,
                          .code = machine_code_of(name, arch),
                          .occupancy = {},
                          .bound = {}};
    summary.occupancy =
        occupancy(arch, summary.code.registers, counts.shared_bytes, counts.threads);
    const double bytes = recorder.kernels().size() == 1 ? compulsory_bytes : 0;
    summary.bound = bound_of(counts, model_of(arch), bytes);
    all.push_back(std::move(summary));
  }
  return all;
}

std::vector<Metric> metrics_of(const std::vector<KernelSummary>& kernels, double compulsory_bytes) {
  constexpr double kSectorBytes = 32;
  InstructionCounts total;
  double of_blocks = 0, atomics = 0, cycles = 0, tensor = 0, registers = 0, local = 0, warps = 64,
         hmma = 0, wide = 0;
  for (const KernelSummary& k : kernels) {
    const InstructionCounts of_kernel = k.counts.total();
    total.executed += of_kernel.executed;
    total.wavefronts += of_kernel.wavefronts;
    total.ideal_wavefronts += of_kernel.ideal_wavefronts;
    total.sectors += of_kernel.sectors;
    total.ideal_sectors += of_kernel.ideal_sectors;
    atomics += static_cast<double>(k.counts.executed("atom.") + k.counts.executed("red."));
    of_blocks += static_cast<double>(k.counts.block_sectors);
    cycles += k.bound.cycles();
    tensor += k.bound.tensor;
    registers = std::max(registers, static_cast<double>(k.code.registers));
    local += k.code.frame_bytes;
    warps = std::min(warps, static_cast<double>(k.occupancy.warps));
    hmma += static_cast<double>(k.code.count("HMMA"));
    wide += static_cast<double>(k.code.count("LDG.128") + k.code.count("LDGSTS.128"));
  }
  const auto number = [](std::uint64_t n) { return static_cast<double>(n); };
  const double bytes = number(total.sectors) * kSectorBytes;
  return {
      {"shared_wavefronts", number(total.wavefronts), "", "counted"},
      {"shared_wavefronts_ideal", number(total.ideal_wavefronts), "", "counted"},
      {"global_sectors", number(total.sectors), "", "counted"},
      {"global_sectors_ideal", number(total.ideal_sectors), "", "counted"},
      {"global_bytes_over_compulsory", bytes / compulsory_bytes, "", "counted"},
      {"block_bytes_over_compulsory", of_blocks * kSectorBytes / compulsory_bytes, "", "counted"},
      {"atomics", atomics, "", "counted"},
      {"warp_instructions", number(total.executed), "", "counted"},
      {"registers", registers, "", "static"},
      {"local_memory_bytes", local, "B", "static"},
      {"resident_warps", warps, "", "static"},
      {"tensor_instructions", hmma, "", "static"},
      {"loads_of_16_bytes", wide, "", "static"},
      {"cycles_at_least", cycles, "", "predicted"},
      {"tensor_peak_share", cycles > 0 ? tensor / cycles : 0, "", "predicted"}};
}

std::string text_of(const KernelSummary& s) {
  const InstructionCounts total = s.counts.total();
  std::string text;
  print(text, "    %s, sm_%d, %llu launches\n", s.name.c_str(), s.arch, whole(s.counts.launches));
  print(text,
        "      counted    shared memory: %llu wavefronts, ideal %llu; global memory: %llu sectors "
        "of 32 "
        "bytes, ideal %llu, distinct in their blocks %llu; %llu atomics\n",
        whole(total.wavefronts), whole(total.ideal_wavefronts), whole(total.sectors),
        whole(total.ideal_sectors), whole(s.counts.block_sectors),
        whole(s.counts.executed("atom.") + s.counts.executed("red.")));
  print(text, "      counted    %llu warp instructions of PTX: %s\n", whole(total.executed),
        mix_of(s.counts).c_str());
  print(text,
        "      static     %u registers, %u bytes of local memory, %zu of shared; %u of %u warps "
        "(%s); HMMA %llu, "
        "LDG.128 %llu, LDGSTS.128 %llu, STG.128 %llu\n",
        s.code.registers, s.code.frame_bytes, s.counts.shared_bytes, s.occupancy.warps,
        s.occupancy.most_warps, s.occupancy.limit.c_str(), whole(s.code.count("HMMA")),
        whole(s.code.count("LDG.128")), whole(s.code.count("LDGSTS.128")),
        whole(s.code.count("STG.128")));
  print(text, "      predicted  at least %.0f cycles on %s, by %s", s.bound.cycles(),
        model_of(s.arch).name, s.bound.limit().c_str());
  if (s.bound.tensor > 0)
    print(text, "; at most %.0f %% of the tensor peak", 100 * s.bound.tensor_share());
  text += "\n";
  print_instructions(text, s.counts);
  return text;
}

}  // namespace sb::ptx
