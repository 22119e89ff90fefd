// Shapes for the tests of device code.
#pragma once

#include <map>
#include <string>

namespace sb::fft_conv {

using Given = std::map<std::string, std::string>;

inline Given shape(int b, int h, int n, Given more = {}) {
  more.insert({{"b", std::to_string(b)}, {"h", std::to_string(h)}, {"n", std::to_string(n)}});
  return more;
}

}  // namespace sb::fft_conv
