// peaks: measure this machine's ceilings and keep them for % of roof.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <filesystem>

#include "cli/commands.h"
#include "cli/data_dir.h"
#include "cli/exit_code.h"
#include "machine/gpu_peaks.h"
#include "machine/peaks.h"
#include "workload/machine_file.h"

namespace sb {
namespace {

struct PeaksSettings {
  std::string out;
  bool quick = false;
  bool show = false;
};

// "123.4 GB/s" or "98.7 GFLOP/s", and how far the samples lie apart.
std::string describe(const Roof& roof) {
  const double spread = roof.value > 0 ? 100 * (roof.hi - roof.lo) / roof.value : 0;
  return fmt::format("  {:<28} {:>9.1f} {:<8} spread {:>4.1f}%{}\n", roof.id, roof.value / 1e9,
                     roof.is_flops ? "GFLOP/s" : "GB/s", spread,
                     roof.source == "measured" ? "" : "  (" + roof.source + ")");
}

void print(const Peaks& peaks, const std::string& path) {
  fmt::print("{}, {}\n", peaks.identity, peaks.date);
  for (const bool flops : {false, true}) {
    for (const Roof& roof : peaks.roofs) {
      if (roof.is_flops == flops) fmt::print("{}", describe(roof));
    }
  }
  fmt::print("kept in {}\n", path);
}

// What was not measured on a GPU that configs/machines/ knows: its file's name ("a100") is a word
// of the GPU's.
void fill_up(Peaks& peaks) {
  const std::filesystem::path folder = data_dir() / "configs" / "machines";
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(folder, none)) {
    if (names_gpu(entry.path().stem(), peaks.gpu)) {
      add_declared(load_machine(entry.path()), peaks);
    }
  }
}

int peaks_command(const PeaksSettings& settings) {
  const std::string path = settings.out.empty() ? peaks_cache_path() : settings.out;
  if (settings.show) {
    print(load_peaks(path), path);
    return kExitOk;
  }
  Peaks peaks = measure_peaks(settings.quick);
  fill_up(peaks);
  save_peaks(peaks, path);
  print(peaks, path);
  return kExitOk;
}

}  // namespace

void add_peaks_command(CLI::App& app, Action& chosen) {
  auto settings = std::make_shared<PeaksSettings>();
  CLI::App* command = add_command(
      app, "peaks", "Measure this machine's ceilings: bandwidth per level, FLOP rate per isa",
      {"peaks", "peaks --show"});
  twin(command->add_option("--out", settings->out,
                           "File to keep them in (default: the cache that run uses)"))
      ->type_name("FILE");
  twin(command->add_flag("--quick", settings->quick, "A few seconds in place of half a minute"));
  command->add_flag("--show", settings->show, "Print the kept ceilings and measure nothing");
  command->callback(
      [settings, &chosen] { chosen = [settings] { return peaks_command(*settings); }; });
}

}  // namespace sb
