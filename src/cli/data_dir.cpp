#include "cli/data_dir.h"

#include <cstdlib>

namespace sb {
namespace {

namespace fs = std::filesystem;

fs::path detect() {
  if (const char* given = std::getenv("SOFTMAX_BENCH_DATA"); given != nullptr && *given != '\0') {
    return fs::absolute(given);
  }
  std::error_code ignored;
  const fs::path bin = program_path().parent_path();
  const fs::path installed = bin.parent_path() / "share" / "softmax-bench";
  if (fs::is_directory(installed / "configs", ignored)) return installed;
  for (fs::path dir = bin; dir.has_relative_path(); dir = dir.parent_path()) {
    if (fs::is_directory(dir / "configs", ignored) && fs::is_directory(dir / "suites", ignored)) {
      return dir;
    }
  }
  // A build tree outside of the sources.
  return fs::is_directory(fs::path(SB_SOURCE_DIR) / "configs", ignored) ? SB_SOURCE_DIR
                                                                        : fs::path();
}

}  // namespace

fs::path program_path() {
  std::error_code ignored;
  return fs::read_symlink("/proc/self/exe", ignored);
}

const fs::path& data_dir() {
  static const fs::path dir = detect();
  return dir;
}

std::string find_file(const std::string& name) {
  std::error_code ignored;
  if (fs::exists(name, ignored) || fs::path(name).is_absolute() || data_dir().empty()) return name;
  const fs::path elsewhere = data_dir() / name;
  return fs::exists(elsewhere, ignored) ? elsewhere.string() : name;
}

std::string portable_name(const std::string& file) {
  const fs::path absolute = fs::absolute(file).lexically_normal();
  const fs::path relative = absolute.lexically_relative(data_dir().lexically_normal());
  const bool below = !data_dir().empty() && !relative.empty() && *relative.begin() != "..";
  return below ? relative.string() : absolute.string();
}

}  // namespace sb
