// Shapes for the tests of device code.
#pragma once

#include <map>
#include <string>

namespace sb::attention {

using Given = std::map<std::string, std::string>;

inline Given heads(int b, int h, int hkv, int m, int n, int d, const std::string& causal) {
  return {{"b", std::to_string(b)}, {"h", std::to_string(h)}, {"hkv", std::to_string(hkv)},
          {"m", std::to_string(m)}, {"n", std::to_string(n)}, {"d", std::to_string(d)},
          {"causal", causal},       {"lse", "true"}};
}

inline Given gradients(int b, int h, int hkv, int m, int n, int d, const std::string& causal) {
  Given params = heads(b, h, hkv, m, n, d, causal);
  params.erase("lse");
  return params;
}

inline Given contexts(int b, int h, int hkv, int n, int d, int ragged = 1) {
  return {{"b", std::to_string(b)}, {"h", std::to_string(h)}, {"hkv", std::to_string(hkv)},
          {"n", std::to_string(n)}, {"d", std::to_string(d)}, {"ragged", std::to_string(ragged)}};
}

}  // namespace sb::attention
