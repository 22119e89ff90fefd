#include "cli/command_line.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>

#include "cli/exit_code.h"
#include "core/isa.h"
#include "core/params.h"

namespace sb {
namespace {

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands(nullptr)) {
    if (!command->get_group().empty()) names.push_back(command->get_name());
  }
  return names;
}

std::vector<std::string> option_names(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

// CLI11's words for what it did not expect, and the word that was perhaps meant.
std::string explain(const CLI::App& app, const std::string& what, int argc, char** argv) {
  const auto commands = app.get_subcommands();
  if (commands.empty()) {
    if (argc < 2) return "no command given; see softmax-bench --help";
    const std::string near = nearest(argv[1], command_names(app));
    return fmt::format(
        "unknown command \"{}\"; {}", argv[1],
        near.empty() ? "see softmax-bench --help" : fmt::format("did you mean \"{}\"?", near));
  }
  const CLI::App& command = *commands.front();
  const std::vector<std::string> options = option_names(command);
  for (const std::string& word : command.remaining()) {
    if (!word.starts_with("--")) continue;
    const std::string near = nearest(word.substr(0, word.find('=')), options);
    if (!near.empty()) return fmt::format("{}; did you mean \"{}\"?", what, near);
  }
  return fmt::format("{}; see softmax-bench {} --help", what, command.get_name());
}

void complain(const std::string& what) { fmt::print(stderr, "softmax-bench: {}\n", what); }

// The cap is read where kernels are dispatched, which is no place to complain.
void check_isa_cap() {
  const char* cap = std::getenv("SOFTMAX_BENCH_ISA");
  Isa isa;
  if (cap == nullptr || *cap == '\0') return;
  if (parse_isa(cap, isa) && isa != Isa::kCuda && isa != Isa::kNative) return;
  throw UsageError(
      fmt::format("SOFTMAX_BENCH_ISA=\"{}\" is none of scalar, avx2, avx512, amx", cap));
}

// Output that did not reach its file must not look like success.
int flushed(int exit_code) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return exit_code;
  complain(fmt::format("stdout: {}", std::strerror(errno)));
  return kExitUsage;
}

}  // namespace

CLI::App* add_command(CLI::App& app, const std::string& name, const std::string& what,
                      const std::vector<std::string>& examples) {
  CLI::App* command = app.add_subcommand(name, what);
  std::string footer = "Examples:";
  for (const std::string& example : examples) footer += "\n  softmax-bench " + example;
  command->footer(footer);
  return command;
}

CLI::Option* twin(CLI::Option* option) {
  std::string name = "SOFTMAX_BENCH_" + option->get_lnames().front();
  for (char& c : name) c = c == '-' ? '_' : static_cast<char>(std::toupper(c));
  return option->envname(name);
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    if (end > begin) parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

int run_program(CLI::App& app, int argc, char** argv, const Action& chosen) {
  try {
    app.parse(argc, argv);
    check_isa_cap();
    return flushed(chosen());
  } catch (const CLI::Success& help) {  // --help and --version
    app.exit(help);
    return flushed(kExitOk);
  } catch (const CLI::ParseError& error) {
    complain(explain(app, error.what(), argc, argv));
  } catch (const UsageError& error) {
    complain(error.what());
  } catch (const std::exception& error) {
    complain(error.what());
  }
  std::fflush(stdout);
  return kExitUsage;
}

}  // namespace sb
