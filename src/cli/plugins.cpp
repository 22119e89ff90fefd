#include "cli/plugins.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "abi.h"
#include "cli/command_line.h"
#include "cli/exit_code.h"
#include "core/registry.h"

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
constexpr std::size_t kLongestAbi = 64;

// The hash in the name of the symbol that the plugin wants, from the file: loading it would run its
// code, and the linker may complain of another symbol first. Empty: this is no plugin.
std::string abi_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  const std::size_t at = bytes.find(kAbiPrefix);
  if (at == std::string::npos) return "";
  const std::string rest = bytes.substr(at + kAbiPrefix.size(), kLongestAbi);
  return rest.substr(0, rest.find_first_not_of("0123456789abcdef"));
}

std::size_t registered() {
  const Registry& registry = Registry::instance();
  return registry.operations().size() + registry.variants().size();
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

[[noreturn]] void refuse(const std::string& file, const std::string& why) {
  throw UsageError(fmt::format("--plugin {}: {}", file, why));
}

void check_abi(const std::string& file, const std::string& path) {
  const std::string abi = abi_of(path);
  if (abi.empty()) {
    refuse(file,
           "is no plugin; build it with find_package(softmax-bench) and "
           "softmax_bench_add_plugin()");
  }
  if (abi == SB_ABI_TEXT) return;
  refuse(file, fmt::format("was built against the headers of another softmax-bench (ABI {}, this "
                           "program has {}); build it again against this installation",
                           abi, std::string_view(SB_ABI_TEXT)));
}

void load(const std::string& file) {
  std::error_code error;
  if (!std::filesystem::exists(file, error)) refuse(file, "there is no such file");
  if (!std::filesystem::is_regular_file(file, error)) refuse(file, "is not a file");
  const std::string path = std::filesystem::canonical(file);
  static std::set<std::string> loaded;
  if (!loaded.insert(path).second) return;
  check_abi(file, path);
  const std::size_t before = registered();
  loading = &file;
  const std::terminate_handler handler = std::set_terminate(refuse_registration);
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  std::set_terminate(handler);
  if (handle == nullptr) refuse(file, dlerror());
  if (registered() == before) {
    refuse(file,
           "registers neither a variant nor an operation; end the file of each with "
           "const sb::Registration name{sb::Variant{...}}");
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
