// CLI11 behind the conventions of this program: environment twins, examples, exit codes.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace CLI {  // <CLI/CLI.hpp> is dear to compile: only where options are made
class App;
class Option;
}  // namespace CLI

namespace sb {

// What the parsed command line asks for; returns the exit code.
using Action = std::function<int()>;

// A subcommand whose help ends in examples (each a line after "softmax-bench ").
CLI::App* add_command(CLI::App& app, const std::string& name, const std::string& what,
                      const std::vector<std::string>& examples);

// Gives an option its environment twin: --min-time is SOFTMAX_BENCH_MIN_TIME.
CLI::Option* twin(CLI::Option* option);

// "a,b" -> {a, b}; empty parts are dropped.
std::vector<std::string> split(const std::string& text, char separator);

// Parses and runs; turns every failure into a message on stderr and its exit code.
int run_program(CLI::App& app, int argc, char** argv, const Action& chosen);

}  // namespace sb
