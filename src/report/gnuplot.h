// Pictures by gnuplot, as a child process fed through its standard input.
#pragma once

#include <string>

namespace sb {

// What the script prints to its standard output (a terminal's SVG or PNG). Throws
// std::runtime_error: gnuplot is not installed (with the cure), or it complained (with its words).
std::string run_gnuplot(const std::string& script);

}  // namespace sb
