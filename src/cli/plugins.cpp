#include "cli/plugins.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>

#include "abi.h"
#include "cli/command_line.h"
#include "cli/exit_code.h"

// Every plugin refers to the symbol of the headers that it was compiled with, so that one of other
// headers does not even link: before any of its code runs, and could write into structures that
// have another layout here.
extern "C" {
extern const int SB_ABI;
const int SB_ABI = 1;
}

namespace sb {
namespace {

constexpr std::string_view kAbiPrefix = "softmax_bench_abi_";

// The headers' hash in "...: undefined symbol: softmax_bench_abi_0123456789ab"; empty if it is
// about something else.
std::string foreign_abi(const std::string& error) {
  const std::size_t at = error.find(kAbiPrefix);
  if (at == std::string::npos) return "";
  const std::string rest = error.substr(at + kAbiPrefix.size());
  return rest.substr(0, rest.find_first_not_of("0123456789abcdef"));
}

const std::string* loading = nullptr;  // the plugin whose static objects are being made

// An exception of a registration (a name is taken) does not get through the dynamic linker.
[[noreturn]] void refuse_registration() {
  try {
    std::rethrow_exception(std::current_exception());
  } catch (const std::exception& error) {
    fmt::print(stderr, "softmax-bench: --plugin {}: {}\n", *loading, error.what());
  } catch (...) {
    fmt::print(stderr, "softmax-bench: --plugin {}: failed while it was loaded\n", *loading);
  }
  std::_Exit(kExitUsage);
}

void load(const std::string& file) {
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) {
    throw UsageError(fmt::format("--plugin {}: there is no such file", file));
  }
  const std::string path = std::filesystem::absolute(file);
  loading = &file;
  const std::terminate_handler before = std::set_terminate(refuse_registration);
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  std::set_terminate(before);
  if (handle == nullptr) {
    const std::string error = dlerror();
    const std::string abi = foreign_abi(error);
    if (abi.empty()) throw UsageError(fmt::format("--plugin {}: {}", file, error));
    throw UsageError(
        fmt::format("--plugin {}: was built against the headers of another softmax-bench (ABI {}, "
                    "this program has {}); build it again against this installation",
                    file, abi, std::string_view(SB_ABI_TEXT)));
  }
  if (dlsym(handle, "softmax_bench_plugin") == nullptr) {
    throw UsageError(
        fmt::format("--plugin {}: is no plugin; build it with find_package(softmax-bench) and "
                    "softmax_bench_add_plugin()",
                    file));
  }
}

}  // namespace

void add_plugin_option(CLI::App* command, std::vector<std::string>& plugins) {
  twin(command
           ->add_option("--plugin", plugins,
                        "A shared object with further variants (README.md, Plugins); may be "
                        "repeated")
           ->type_name("FILE")
           ->allow_extra_args(false));
}

void load_plugins(const std::vector<std::string>& files) {
  for (const std::string& file : files) load(file);
}

}  // namespace sb
