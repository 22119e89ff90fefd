// roofline: what the rows of a run reach under the ceilings of their machine.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <filesystem>

#include "cli/commands.h"
#include "cli/data_dir.h"
#include "cli/exit_code.h"
#include "cli/result_files.h"
#include "machine/peaks.h"
#include "report/gnuplot.h"
#include "report/roofline.h"
#include "report/whole_file.h"
#include "workload/machine_file.h"

namespace sb {
namespace {

struct RooflineSettings {
  std::vector<std::string> results;
  std::string out;
  std::string peaks;
  std::string machine;
};

// "html", "svg", "png" or "txt"; text for stdout.
std::string format_of(const std::string& out) {
  static constexpr std::array kFormats = {".html", ".svg", ".png", ".txt"};
  if (out.empty()) return ".txt";
  const std::string extension = std::filesystem::path(out).extension().string();
  if (std::find(kFormats.begin(), kFormats.end(), extension) == kFormats.end()) {
    throw UsageError(
        fmt::format("--out {}: the ending must be {}", out, fmt::join(kFormats, ", ")));
  }
  return extension;
}

// "h100" or a file.
Peaks declared_peaks(const std::string& machine) {
  const bool is_name = machine.find_first_of("./") == std::string::npos;
  return load_machine(find_file(is_name ? "configs/machines/" + machine + ".yaml" : machine));
}

Peaks measured_peaks(const std::string& file) {
  // `auto` and `none` are what the environment twin says for `run`.
  const bool of_run = file.empty() || file == "auto" || file == "none";
  const std::string path = of_run ? peaks_cache_path() : file;
  if (!std::filesystem::exists(path)) {
    throw UsageError(fmt::format(
        "{}: there are no ceilings of this machine yet; run `softmax-bench peaks`, or name "
        "declared ones with --machine",
        path));
  }
  return load_peaks(path);
}

std::vector<Row> rows_of(const std::vector<std::string>& files) {
  std::vector<Row> rows;
  for (const std::string& file : files) {
    const RunRows run = read_run(file);
    rows.insert(rows.end(), run.rows.begin(), run.rows.end());
  }
  return rows;
}

std::string drawn(const Roofline& roofline, const std::string& format) {
  if (format == ".txt") return roofline_text(roofline);
  if (format != ".html") return run_gnuplot(roofline_script(roofline, format.substr(1)));
  std::vector<std::string> pictures;
  for (std::size_t i = 0; i < roofline.panels.size(); ++i) {
    pictures.push_back(run_gnuplot(roofline_panel_script(roofline, i)));
  }
  return roofline_html(roofline, pictures);
}

int roofline_command(const RooflineSettings& settings) {
  const std::string format = format_of(settings.out);
  const bool declared = !settings.machine.empty();
  const std::vector<Row> rows = rows_of(settings.results);
  const Peaks peaks = declared ? declared_peaks(settings.machine) : measured_peaks(settings.peaks);
  const std::string text = drawn(build_roofline(rows, peaks, declared), format);
  if (settings.out.empty()) {
    fmt::print("{}", text);
  } else {
    write_whole_file(settings.out, text);
    fmt::print("{}\n", settings.out);
  }
  return kExitOk;
}

}  // namespace

void add_roofline_command(CLI::App& app, Action& chosen) {
  auto settings = std::make_shared<RooflineSettings>();
  CLI::App* command =
      add_command(app, "roofline", "Draw what rows reach under the ceilings of their machine",
                  {"roofline results/runs/20260101T120000Z",
                   "roofline results.csv --out roofline.html --peaks peaks.json"});
  command->add_option("RESULTS", settings->results, "results.csv files, or folders of runs")
      ->required();
  twin(command->add_option("--out", settings->out,
                           "Picture or page; the ending says which: .html, .svg, .png, .txt "
                           "(default: the table on stdout)"))
      ->type_name("FILE");
  twin(command->add_option("--peaks", settings->peaks,
                           "Measured ceilings (default: those that run uses)"))
      ->type_name("FILE");
  twin(command->add_option(
           "--machine", settings->machine,
           "Declared ceilings in place of measured ones: a100, h100, h200, or a file like those in "
           "configs/machines"))
      ->type_name("NAME");
  command->callback(
      [settings, &chosen] { chosen = [settings] { return roofline_command(*settings); }; });
}

}  // namespace sb
